"""What a refund of a use may be, and that a refunded use is never undone: the database says so.

The refund's trigger shares the redemption's row, an undoing changes it: whichever comes second sees the first.
"""

from django.db import migrations

KEY = (
    "ALTER TABLE coupons_refund ADD CONSTRAINT coupons_refund_redemption_same_tenant"
    " FOREIGN KEY (merchant_id, redemption_id) REFERENCES coupons_redemption (merchant_id, id)"
    " DEFERRABLE INITIALLY DEFERRED"
)

GUARD = """
CREATE FUNCTION coupons_guard_refund_of_use() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM FROM coupons_redemption r
    WHERE r.id = NEW.redemption_id AND r.coupon_id = NEW.coupon_id AND r.order_id = NEW.order_id
      AND r.reversed_at IS NULL AND NEW.asked_fen <= r.gross_fen
    FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'refund % is not of a standing use of its coupon, or above its amount', NEW.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refund_of_standing_use';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER of_standing_use
  BEFORE INSERT OR UPDATE OF redemption_id, coupon_id, order_id, asked_fen ON coupons_refund
  FOR EACH ROW WHEN (NEW.redemption_id IS NOT NULL) EXECUTE FUNCTION coupons_guard_refund_of_use();

CREATE FUNCTION coupons_guard_undoing_of_refunded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM coupons_refund WHERE redemption_id = NEW.id AND state <> 'rejected') THEN
    RAISE EXCEPTION 'redemption % is refunded', NEW.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'redemption_refunded';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refunded_stays BEFORE UPDATE OF reversed_at ON coupons_redemption
  FOR EACH ROW WHEN (NEW.reversed_at IS NOT NULL AND OLD.reversed_at IS NULL)
  EXECUTE FUNCTION coupons_guard_undoing_of_refunded();

CREATE FUNCTION coupons_guard_refunds_of_coupon() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (
      SELECT FROM new_rows n JOIN coupons_coupon c ON c.id = n.coupon_id
      WHERE c.price_fen < (SELECT sum(f.amount_fen) FROM coupons_refund f
                           WHERE f.coupon_id = c.id AND f.state <> 'rejected')) THEN
    RAISE EXCEPTION 'refunds of a coupon are above its price'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'refunds_at_most_the_price';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER at_most_the_price AFTER INSERT ON coupons_refund
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION coupons_guard_refunds_of_coupon();
"""


class Migration(migrations.Migration):
    dependencies = [("coupons", "0014_refunds_of_uses")]
    operations = [
        migrations.RunSQL(KEY, "ALTER TABLE coupons_refund DROP CONSTRAINT coupons_refund_redemption_same_tenant"),
        migrations.RunSQL(
            GUARD,
            "DROP TRIGGER at_most_the_price ON coupons_refund; DROP TRIGGER refunded_stays ON coupons_redemption;"
            "DROP TRIGGER of_standing_use ON coupons_refund; DROP FUNCTION coupons_guard_refunds_of_coupon;"
            "DROP FUNCTION coupons_guard_undoing_of_refunded; DROP FUNCTION coupons_guard_refund_of_use;",
        ),
    ]
