-- What the change order says now: number, job, phase and status of the header that presence.sql counted.
-- Seeks: prmchg._idnum, the only thing that names a row for good.
SELECT recnum, "_idnum", chgnum, jobnum, phsnum, dscrpt, status, chgdte
FROM dbo.prmchg
WHERE "_idnum" = ?
