"""Every address under /v1; ids that are no UUID match nothing, so they answer 404."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tulia.api import campaigns, customers, imports, openapi, orders, previews, senders, templates, tenant_settings

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", openapi.openapi, name="openapi"),
    path("docs", openapi.docs, name="docs"),
    path("senders", senders.Senders.as_view()),
    path("senders/<uuid:sender_id>", senders.OneSender.as_view()),
    path("templates", templates.Templates.as_view()),
    path("templates/<uuid:template_id>", templates.OneTemplate.as_view()),
    path("campaigns", campaigns.Campaigns.as_view()),
    path("campaigns/reach", campaigns.CampaignReach.as_view()),
    path("campaigns/preview", previews.DraftPreview.as_view()),
    path("campaigns/<uuid:campaign_id>", campaigns.Campaign.as_view()),
    path("campaigns/<uuid:campaign_id>/preview", previews.CampaignPreview.as_view()),
    path("campaigns/<uuid:campaign_id>/execute", campaigns.CampaignExecute.as_view()),
    path("campaigns/<uuid:campaign_id>/pause", campaigns.CampaignPause.as_view()),
    path("campaigns/<uuid:campaign_id>/resume", campaigns.CampaignResume.as_view()),
    path("campaigns/<uuid:campaign_id>/cancel", campaigns.CampaignCancel.as_view()),
    path("campaigns/<uuid:campaign_id>/clone", campaigns.CampaignClone.as_view()),
    path("campaigns/<uuid:campaign_id>/schedule", campaigns.CampaignSchedule.as_view()),
    path("campaigns/<uuid:campaign_id>/test-send", campaigns.CampaignTestSend.as_view()),
    path("campaigns/<uuid:campaign_id>/report", campaigns.CampaignReportView.as_view()),
    path("campaigns/<uuid:campaign_id>/recipients", campaigns.CampaignRecipients.as_view()),
    path("customers", customers.Customers.as_view()),
    path("customers/import", imports.ImportCustomers.as_view()),
    path("customers/<uuid:customer_id>", customers.OneCustomer.as_view()),
    path("customers/<uuid:customer_id>/preferences", customers.CustomerPreferences.as_view()),
    path("customers/<uuid:customer_id>/consent-history", customers.ConsentHistory.as_view()),
    path("orders", orders.Orders.as_view()),
    path("orders/import", imports.ImportOrders.as_view()),
    path("bookings", orders.Bookings.as_view()),
    path("bookings/import", imports.ImportBookings.as_view()),
    path("messages/import", imports.ImportMessages.as_view()),
    path("settings", tenant_settings.Settings.as_view()),
]
