"""The addresses of the pages."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from tulia.web import acting, approving, audit, campaign, campaigns, composer, people, person, review, sign_in

urlpatterns: list[URLPattern] = [
    path("", RedirectView.as_view(pattern_name="campaigns"), name="home"),
    path("sign-in", sign_in.sign_in, name="sign_in"),
    path("sign-out", sign_in.sign_out, name="sign_out"),
    path("workplaces", sign_in.workplaces, name="workplaces"),
    path("audit", audit.audit, name="audit"),
    path("campaigns", campaigns.campaigns, name="campaigns"),
    path("campaigns/new", composer.new, name="campaign_new"),
    path("campaigns/reach", composer.reach, name="composer_reach"),
    path("campaigns/places", composer.places, name="composer_places"),
    path("campaigns/preview", composer.preview, name="composer_preview"),
    path("campaigns/<uuid:campaign_id>", campaign.campaign, name="campaign"),
    path("campaigns/<uuid:campaign_id>/live", campaign.live, name="campaign_live"),
    path("campaigns/<uuid:campaign_id>/results", campaign.results, name="campaign_results"),
    path("campaigns/<uuid:campaign_id>/edit", composer.edit, name="campaign_edit"),
    path("campaigns/<uuid:campaign_id>/review", review.review, name="campaign_review"),
    path("campaigns/<uuid:campaign_id>/people", people.people, name="campaign_people"),
    path("campaigns/<uuid:campaign_id>/people/<uuid:customer_id>", person.person, name="campaign_person"),
    path("campaigns/<uuid:campaign_id>/approval", approving.approve, name="campaign_approval"),
    path("campaigns/<uuid:campaign_id>/cancel", acting.cancel, name="campaign_cancel"),
    path("campaigns/<uuid:campaign_id>/delete", acting.delete, name="campaign_delete"),
    path("campaigns/<uuid:campaign_id>/<str:act>", acting.act, name="campaign_act"),
]
