-- How many jobs the company has: a company without any is not one that can say what is missing.
-- Seeks: nothing; counts the smallest table there is.
SELECT COUNT(*) AS jobs
FROM dbo.actrec
