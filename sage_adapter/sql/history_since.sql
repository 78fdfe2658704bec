-- How far back Sage's history of change orders reaches; it is purged, by default after 90 days. Fails where
-- the login may not read it, which tells that history is no evidence on this connection.
-- Seeks: the lowest _Date.
SELECT MIN("_Date") AS oldest
FROM "dbo_Audit".prmchg
