-- The lines on a subcontract, each with the header it belongs to: what changes it already, whatever job the header
-- names. The columns of change_orders_of_job.sql, and what the line adds. A line that has lost its header is no
-- change order.
-- Seeks: sbcgln.vndctc and from there prmchg.recnum.
SELECT l.recnum, h."_idnum", h.chgnum, h.jobnum, h.phsnum, h.status, h.usrdf1, l.chgnum AS sub_number, l.bdgprc
FROM dbo.sbcgln AS l
JOIN dbo.prmchg AS h ON h.recnum = l.recnum
WHERE l.vndctc = ?
