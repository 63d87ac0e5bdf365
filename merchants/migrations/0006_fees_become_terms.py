"""The fee each merchant has becomes version 1 of its terms, in force since the merchant was made."""

from django.db import migrations

# A shop made before terms existed agreed to its fee when it was opened. Deferred checks run now, as the column goes next.
CARRY = """
INSERT INTO merchants_terms (merchant_id, kind, payee_id, version, bps, state, note, proposed_for_id, proposed_at,
    answered_at, in_force_at)
SELECT m.party_id, 'platform_fee', p.id, 1, m.platform_fee_bps, 'in_force', '', p.id, m.created_at, m.created_at, m.created_at
FROM merchants_merchant m, identity_party p WHERE p.kind = 'platform';
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [("merchants", "0005_terms")]

    operations = [
        migrations.RunSQL(CARRY, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="merchant", name="merchant_fee_is_a_share"),
        migrations.RemoveField(model_name="merchant", name="platform_fee_bps"),
    ]
