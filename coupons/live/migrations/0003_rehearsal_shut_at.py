from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("live", "0002_rehearsal")]

    operations = [
        migrations.AddField(
            model_name="rehearsal",
            name="shut_at",
            field=models.DateTimeField(null=True),
        ),
    ]
