DROP VIEW member_name;
DROP TRIGGER member_added_by_name;
DROP TRIGGER member_added_by_full_name;
DROP TRIGGER member_name_changed;
DROP TRIGGER member_full_name_changed;
ALTER TABLE member DROP COLUMN name;
CREATE VIEW member_name (tenant, id, full_name) AS SELECT tenant, id, full_name FROM member;
