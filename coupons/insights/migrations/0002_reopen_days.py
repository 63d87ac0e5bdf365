"""Whoever changes a day late opens it again in his own transaction.

Live rows (not older than 15 minutes, LIVE_SECONDS of domain/roll_ups.py) pass by the WHEN alone: selling and redeeming call
no function. They need not: no day is summed until it is over for longer, and until everybody who wrote then is done.
"""

from django.db import migrations

SQL = """
CREATE FUNCTION insights_reopen_redeemed_day(of_merchant bigint, of_date date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE me bigint := pg_current_xact_id()::text::bigint;
BEGIN
  -- The row also is the lock: nobody sums a day whose late change has not committed.
  IF NOT EXISTS (SELECT FROM insights_redeemedday d WHERE d.merchant_id = of_merchant AND d.date = of_date
                 AND d.touched_by = me AND d.fence IS NULL AND d.rolled_at IS NULL) THEN
    INSERT INTO insights_redeemedday (merchant_id, date, touched_by) VALUES (of_merchant, of_date, me)
    ON CONFLICT (merchant_id, date) DO UPDATE SET touched_by = me, fence = NULL, rolled_at = NULL;
  END IF;
END $$;

CREATE FUNCTION insights_reopen_sold_day(of_merchant bigint, of_moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  me bigint := pg_current_xact_id()::text::bigint;
  in_zone text := (SELECT m.zone FROM merchants_merchant m WHERE m.party_id = of_merchant);
  of_date date := (of_moment AT TIME ZONE in_zone)::date;
BEGIN
  IF NOT EXISTS (SELECT FROM insights_soldday d WHERE d.merchant_id = of_merchant AND d.date = of_date
                 AND d.touched_by = me AND d.fence IS NULL AND d.rolled_at IS NULL) THEN
    INSERT INTO insights_soldday (merchant_id, date, touched_by) VALUES (of_merchant, of_date, me)
    ON CONFLICT (merchant_id, date) DO UPDATE SET touched_by = me, fence = NULL, rolled_at = NULL;
  END IF;
  -- Days summed while the merchant was in another zone: the moment may lie in the day before or after.
  UPDATE insights_soldday d SET touched_by = me, fence = NULL, rolled_at = NULL
  WHERE d.merchant_id = of_merchant AND d.date BETWEEN of_date - 1 AND of_date + 1 AND d.zone <> in_zone
    AND d.rolled_at IS NOT NULL;
END $$;

CREATE FUNCTION insights_redemption_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM insights_reopen_redeemed_day(OLD.merchant_id, OLD.business_date); END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND (OLD.merchant_id, OLD.business_date) <> (NEW.merchant_id, NEW.business_date)) THEN
    PERFORM insights_reopen_redeemed_day(NEW.merchant_id, NEW.business_date);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION insights_order_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.paid_at IS NOT NULL THEN PERFORM insights_reopen_sold_day(OLD.merchant_id, OLD.paid_at); END IF;
  IF TG_OP <> 'DELETE' AND NEW.paid_at IS NOT NULL THEN PERFORM insights_reopen_sold_day(NEW.merchant_id, NEW.paid_at); END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER insights_late_redemption AFTER INSERT ON coupons_redemption FOR EACH ROW
  WHEN (NEW.redeemed_at < clock_timestamp() - interval '15 minutes') EXECUTE FUNCTION insights_redemption_changed();
CREATE TRIGGER insights_changed_redemption
  AFTER UPDATE OF merchant_id, store_id, business_date, gross_fen, reversed_at ON coupons_redemption
  FOR EACH ROW EXECUTE FUNCTION insights_redemption_changed();
CREATE TRIGGER insights_lost_redemption AFTER DELETE ON coupons_redemption
  FOR EACH ROW EXECUTE FUNCTION insights_redemption_changed();

CREATE TRIGGER insights_late_order AFTER INSERT ON coupons_order FOR EACH ROW
  WHEN (NEW.paid_at < clock_timestamp() - interval '15 minutes') EXECUTE FUNCTION insights_order_changed();
CREATE TRIGGER insights_changed_order AFTER UPDATE OF merchant_id, paid_at, paid_fen ON coupons_order FOR EACH ROW
  WHEN ((OLD.merchant_id, OLD.paid_at, OLD.paid_fen) IS DISTINCT FROM (NEW.merchant_id, NEW.paid_at, NEW.paid_fen)
    AND (OLD.paid_at IS NOT NULL OR NEW.paid_at < clock_timestamp() - interval '15 minutes'))
  EXECUTE FUNCTION insights_order_changed();
CREATE TRIGGER insights_lost_order AFTER DELETE ON coupons_order
  FOR EACH ROW WHEN (OLD.paid_at IS NOT NULL) EXECUTE FUNCTION insights_order_changed();
"""

UNDO = """
DROP TRIGGER insights_late_redemption ON coupons_redemption;
DROP TRIGGER insights_changed_redemption ON coupons_redemption;
DROP TRIGGER insights_lost_redemption ON coupons_redemption;
DROP TRIGGER insights_late_order ON coupons_order;
DROP TRIGGER insights_changed_order ON coupons_order;
DROP TRIGGER insights_lost_order ON coupons_order;
DROP FUNCTION insights_redemption_changed;
DROP FUNCTION insights_order_changed;
DROP FUNCTION insights_reopen_redeemed_day;
DROP FUNCTION insights_reopen_sold_day;
"""


class Migration(migrations.Migration):
    dependencies = [("insights", "0001_roll_ups"), ("coupons", "0007_operator_names")]
    operations = [migrations.RunSQL(SQL, UNDO)]
