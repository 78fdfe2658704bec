-- How far back Sage's history of change orders reaches, and whether it knows of deletions at all: history that does
-- should know of ours too. It is purged, by default after 90 days. Both questions begin at its oldest end, where
-- nothing is being saved.
-- Seeks: the lowest _Date; the first deletion.
SELECT
    MIN("_Date") AS oldest,
    CASE
        WHEN EXISTS (
            SELECT 1 FROM "dbo_Audit".prmchg WHERE "_Action" IN ('delete', 'Delete', 'DELETE', 'd', 'D')
        ) THEN 1
        ELSE 0
    END AS deletions
FROM "dbo_Audit".prmchg
