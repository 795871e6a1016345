from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_who_did_what")]
    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE tenants ALTER opt_out_words DROP DEFAULT,
                ALTER opt_out_words TYPE jsonb USING to_jsonb(opt_out_words),
                ALTER opt_out_words SET DEFAULT '[]'
            """,
            """
            ALTER TABLE tenants ALTER opt_out_words DROP DEFAULT,
                ALTER opt_out_words TYPE varchar(60)[] USING '{}'
            """,
            state_operations=[
                migrations.AlterField("tenant", "opt_out_words", models.JSONField(default=list, db_default=[]))
            ],
        ),
        migrations.AddField("tenant", "opt_in_words", models.JSONField(default=list, db_default=[])),
        migrations.AddField(
            "tenant",
            "opt_out_reply",
            models.TextField(
                null=True,
                default="You have been unsubscribed from promotional and reminder messages",
                db_default="You have been unsubscribed from promotional and reminder messages",
            ),
        ),
        migrations.AddField(
            "tenant",
            "opt_in_reply",
            models.TextField(
                null=True,
                default="You have been subscribed again to promotional and reminder messages",
                db_default="You have been subscribed again to promotional and reminder messages",
            ),
        ),
    ]
