-- The change orders of a job, any phase: before an export, whether its number is taken; after one, whether it is
-- there. usrdf1 is the field into which an export writes its key. Numbers and keys are compared in Python.
-- Seeks: prmchg.jobnum.
SELECT recnum, "_idnum", chgnum, jobnum, phsnum, status, usrdf1
FROM dbo.prmchg
WHERE jobnum = ?
