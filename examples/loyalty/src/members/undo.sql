DROP VIEW member_name;
DROP TRIGGER member_added_by_name;
DROP TRIGGER member_added_by_full_name;
DROP TRIGGER member_name_changed;
DROP TRIGGER member_full_name_changed;
ALTER TABLE member DROP COLUMN full_name;
