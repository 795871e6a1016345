from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audience", "0002_isolation")]
    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["tenant", "customer", "placed_at"],
                include=["total_micros"],
                condition=models.Q(("status__in", ("paid", "fulfilled", "completed"))),
                name="orders_counting_by_customer",
            ),
        ),
    ]
