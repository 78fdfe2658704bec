-- What Sage's own history holds under the record numbers: who deleted a record, and when it was entered; and
-- where a job's own history may be read, when the job was last entered or changed. A record number may have been
-- used again, so Python keeps only the entries with the row id of the record. The names of the columns for
-- action, user and application are not published (history.py names them once more, to find out whether they are
-- there). Fails where the login may not read it, which tells that history is no evidence on this connection.
-- Seeks: dbo_Audit.prmchg.recnum; dbo_Audit.actrec.recnum.
SELECT
    0 AS kind, h.recnum AS recnum, h."_idnum" AS row_id, h."_Date" AS moment, h."_Action" AS act, h."_User" AS who,
    h."_Application" AS program
FROM "dbo_Audit".prmchg AS h
WHERE h.recnum IN ({records})
{jobs?UNION ALL
SELECT 1, j.recnum, j."_idnum", MAX(j."_Date"), NULL, NULL, NULL
FROM "dbo_Audit".actrec AS j
WHERE j.recnum IN ({jobs})
    AND j."_Action" IN ('insert', 'Insert', 'INSERT', 'i', 'I', 'update', 'Update', 'UPDATE', 'u', 'U')
GROUP BY j.recnum, j."_idnum"|}
