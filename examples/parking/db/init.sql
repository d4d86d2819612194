-- Runs once, on an empty data volume, with MySQL and MariaDB alike.
CREATE DATABASE IF NOT EXISTS parkingcomestrue
    CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

USE parkingcomestrue;

CREATE TABLE IF NOT EXISTS parking (
    id       BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name     VARCHAR(100) NOT NULL,
    location POINT        NOT NULL, -- x is the longitude, y the latitude
    SPATIAL INDEX (location)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- The image has made MYSQL_USER by now; this is for images that make it later.
CREATE USER IF NOT EXISTS 'parking'@'%' IDENTIFIED BY 'parking';
GRANT ALL PRIVILEGES ON parkingcomestrue.* TO 'parking'@'%';
