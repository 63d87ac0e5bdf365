"""The log of what was shown is written once: a fairness report of a month stays what it is."""

from django.db import migrations

SQL = """
CREATE FUNCTION creators_guard_impression() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of an impression refused: what was shown was shown', tg_op
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON creators_impression
  FOR EACH ROW EXECUTE FUNCTION creators_guard_impression();
ALTER TABLE creators_impression ENABLE ALWAYS TRIGGER kept;
"""
BACK = """
DROP TRIGGER kept ON creators_impression;
DROP FUNCTION creators_guard_impression();
"""


class Migration(migrations.Migration):
    dependencies = [("creators", "0030_recommendation")]

    operations = [migrations.RunSQL(SQL, BACK)]
