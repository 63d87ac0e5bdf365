"""How a line and a statement are hashed, and the new columns of what was there before.

settlement_linefact says of each line what it rests on and the hash over both; settlement_seal is the hash of a statement.
verify_statement.py reckons the same without a database.
"""

from django.db import migrations

FACTS = """
CREATE FUNCTION settlement_sha256(said jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(said::text, 'UTF8')), 'hex')
$$;

CREATE FUNCTION settlement_seal(merchant bigint, payee bigint, kind text, number text, currency text, first date, until date,
  lines int, refunds int, gross bigint, refunded bigint, platform_fee bigint, service_fee bigint, station_share bigint, commission bigint, own bigint,
  amount bigint, previous text, hashes jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT settlement_sha256(jsonb_build_array(1, merchant::text, payee::text, kind, number, currency, first::text, until::text,
    lines, refunds, gross, refunded, platform_fee, service_fee, station_share, commission, own, amount, previous, COALESCE(hashes, '[]')))
$$;

CREATE VIEW settlement_linefact AS
SELECT x.*, settlement_sha256(jsonb_build_array(x.line_id::text, x.kind, x.redemption_id::text, x.refund_id::text,
    x.order_id::text, x.coupon_id::text, x.store_id::text, x.business_date::text, x.price_fen, x.uses_total, x.use_no,
    x.refunded_fen, x.use_parts, x.platform_fee_bps, x.service_fee_bps, x.station_share_bps, x.commission_bps,
    x.gross_fen, x.platform_fee_fen, x.service_fee_fen, x.station_share_fen, x.commission_fen, x.merchant_fen)) AS hash
FROM (
    SELECT l.id AS line_id, l.merchant_id, 'redemption' AS kind, r.id AS redemption_id, NULL::bigint AS refund_id, r.order_id,
        l.coupon_id, l.store_id, l.business_date, c.price_fen, c.uses_total, r.use_no, 0::bigint AS refunded_fen,
        NULL::jsonb AS use_parts, l.platform_fee_bps, l.service_fee_bps, l.station_share_bps, l.commission_bps,
        l.gross_fen, l.platform_fee_fen, l.service_fee_fen, l.station_share_fen, l.commission_fen, l.merchant_fen,
        l.statement_id, l.service_statement_id, l.station_statement_id, l.commission_statement_id
    FROM settlement_settlementline l JOIN coupons_redemption r ON r.id = l.redemption_id
    JOIN coupons_coupon c ON c.id = l.coupon_id
    UNION ALL
    SELECT l.id, l.merchant_id, 'refund', r.id, f.id, r.order_id,
        l.coupon_id, l.store_id, l.business_date, c.price_fen, c.uses_total, r.use_no, f.amount_fen,
        jsonb_build_array(u.gross_fen, u.platform_fee_fen, u.service_fee_fen, u.station_share_fen, u.commission_fen,
            u.merchant_fen), l.platform_fee_bps, l.service_fee_bps, l.station_share_bps, l.commission_bps,
        l.gross_fen, l.platform_fee_fen, l.service_fee_fen, l.station_share_fen, l.commission_fen, l.merchant_fen,
        l.statement_id, l.service_statement_id, l.station_statement_id, l.commission_statement_id
    FROM settlement_settlementline l JOIN coupons_refund f ON f.id = l.refund_id
    JOIN settlement_settlementline u ON u.redemption_id = f.redemption_id
    JOIN coupons_redemption r ON r.id = f.redemption_id
    JOIN coupons_coupon c ON c.id = l.coupon_id) x;
"""

FILL = """
UPDATE settlement_settlementline l SET
    platform_fee_bps = COALESCE(t.platform_bps, 0), platform_payee_id = t.platform,
    service_fee_bps = COALESCE(t.service_bps, 0), service_payee_id = t.service,
    station_share_bps = COALESCE(t.station_bps, 0), station_payee_id = t.station,
    commission_bps = COALESCE(t.commission_bps, 0), commission_payee_id = t.creator
FROM coupons_redemption r JOIN (
    SELECT s.order_id,
        max(s.bps) FILTER (WHERE s.kind = 'platform_fee') AS platform_bps,
        max(s.payee_id) FILTER (WHERE s.kind = 'platform_fee') AS platform,
        max(s.bps) FILTER (WHERE s.kind = 'service_fee') AS service_bps,
        max(s.payee_id) FILTER (WHERE s.kind = 'service_fee') AS service,
        max(s.bps) FILTER (WHERE s.kind = 'station_share') AS station_bps,
        max(s.payee_id) FILTER (WHERE s.kind = 'station_share') AS station,
        max(s.bps) FILTER (WHERE s.kind = 'commission') AS commission_bps,
        max(s.payee_id) FILTER (WHERE s.kind = 'commission') AS creator
    FROM coupons_ordershare s GROUP BY s.order_id) t ON t.order_id = r.order_id
WHERE r.id = l.redemption_id;

UPDATE settlement_statement SET payee_id = merchant_id, kind = 'merchant', amount_fen = merchant_fen;

-- The seals of before said less: every chain is sealed anew, from its first statement on.
DO $$ DECLARE s record; BEGIN
  FOR s IN SELECT x.*, m.currency FROM settlement_statement x JOIN merchants_merchant m ON m.party_id = x.merchant_id ORDER BY x.id
  LOOP
    UPDATE settlement_statement SET hash = settlement_seal(s.merchant_id, s.payee_id, s.kind, s.number, s.currency,
        s.period_start, s.period_end, s.lines_count, s.refund_lines, s.gross_fen, s.refunded_fen, s.platform_fee_fen, s.service_fee_fen, s.station_share_fen,
        s.commission_fen, s.merchant_fen, s.amount_fen,
        COALESCE((SELECT p.hash FROM settlement_statement p WHERE p.id = s.previous_id), ''),
        (SELECT jsonb_agg(f.hash ORDER BY f.line_id) FROM settlement_linefact f WHERE f.statement_id = s.id))
    WHERE id = s.id;
  END LOOP;
END $$;
"""
UNFACTS = "DROP VIEW settlement_linefact; DROP FUNCTION settlement_seal; DROP FUNCTION settlement_sha256(jsonb);"


class Migration(migrations.Migration):
    dependencies = [("settlement", "0006_parties_and_refunds"), ("coupons", "0014_refunds_of_uses")]
    operations = [
        migrations.RunSQL(FACTS, UNFACTS),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
