-- The newest entry of Sage's history of change orders: a history that once held it and does not any more is that of
-- a restored backup. Asked for the report on a connection and by reconciliation, never by a look: the newest entry
-- is where people save.
-- Seeks: the highest _Date.
SELECT recnum, "_Date" AS moment
FROM "dbo_Audit".prmchg
WHERE "_Date" = (SELECT MAX("_Date") FROM "dbo_Audit".prmchg)
