-- Is the record still there? Steps 2 to 4 of a look, counted in one row, so that an answer of "none" is a
-- zero that the server sent and never a missing answer; and one statement, so that nobody saves in between.
-- The first count proves that the company is not empty; the job is counted by number and by number and row
-- id, which shows also that row ids are compared as we bind them. Lines are counted without their header,
-- which may be gone before them.
-- Seeks: actrec.recnum, actrec._idnum, prmchg._idnum, sbcgln.recnum + vndctc, subcon.recnum.
SELECT
    1 AS place,
    (SELECT COUNT(*) FROM dbo.actrec) AS jobs,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ?) AS jobs_with_number,
    (SELECT COUNT(*) FROM dbo.actrec WHERE recnum = ? AND "_idnum" = ?) AS jobs_same_row,
    (SELECT COUNT(*) FROM dbo.prmchg WHERE "_idnum" = ?) AS headers,
    (SELECT COUNT(*) FROM dbo.sbcgln WHERE recnum = ? AND vndctc = ?) AS lines_on_subcontract,
    (SELECT COUNT(*) FROM dbo.subcon WHERE recnum = ?) AS subcontracts
