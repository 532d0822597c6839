ALTER TABLE member ADD COLUMN full_name TEXT;

-- What one version writes, the other one finds.
CREATE TRIGGER member_added_by_name AFTER INSERT ON member WHEN NEW.full_name IS NULL
BEGIN UPDATE member SET full_name = NEW.name WHERE number = NEW.number; END;
CREATE TRIGGER member_added_by_full_name AFTER INSERT ON member WHEN NEW.name IS NULL
BEGIN UPDATE member SET name = NEW.full_name WHERE number = NEW.number; END;
CREATE TRIGGER member_name_changed AFTER UPDATE OF name ON member WHEN NEW.name IS NOT NEW.full_name
BEGIN UPDATE member SET full_name = NEW.name WHERE number = NEW.number; END;
CREATE TRIGGER member_full_name_changed AFTER UPDATE OF full_name ON member WHEN NEW.full_name IS NOT NEW.name
BEGIN UPDATE member SET name = NEW.full_name WHERE number = NEW.number; END;

-- What later versions read: right before every row is filled, and still right when the old column is gone.
CREATE VIEW member_name (tenant, id, full_name) AS SELECT tenant, id, coalesce(full_name, name) FROM member;
