-- What Sage's own history holds under the record number: shows who deleted the record, and when. All columns,
-- because the names of those for action, user and application are not published (history.py maps them).
-- A record number may have been used again, so Python keeps only the entries with the row id of the record.
-- Seeks: dbo_Audit.prmchg.recnum.
SELECT *
FROM "dbo_Audit".prmchg
WHERE recnum = ?
