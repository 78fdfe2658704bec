-- What Sage's own history holds under the record number: shows who deleted the record, and when; and how far back
-- that history reaches, in every row, of which there is one at least. All columns, because the names of those
-- for action, user and application are not published (history.py maps them). A record number may have been used
-- again, so Python keeps only the entries with the row id of the record. Fails where the login may not read it,
-- which tells that history is no evidence on this connection.
-- Seeks: dbo_Audit.prmchg.recnum; the lowest _Date.
SELECT since.oldest AS oldest, h.*
FROM (SELECT MIN("_Date") AS oldest FROM "dbo_Audit".prmchg) AS since
LEFT JOIN "dbo_Audit".prmchg AS h ON h.recnum = ?
