package kr.parkingcomestrue.parking;

import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.support.GeneratedKeyHolder;
import org.springframework.stereotype.Repository;

@Repository
class ParkingRepository {

    private final JdbcClient jdbc;

    ParkingRepository(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** The newest hundred. */
    List<Parking> findNewest() {
        return jdbc.sql("""
                        SELECT id, name, ST_X(location) AS longitude, ST_Y(location) AS latitude
                        FROM parking ORDER BY id DESC LIMIT 100""")
                .query(Parking.class)
                .list();
    }

    /** The ten nearest; the database takes `queryMs` longer for it, as without an index. */
    List<Parking> findNearest(double longitude, double latitude, long queryMs) {
        jdbc.sql("SELECT SLEEP(?)").param(queryMs / 1000.0).query(Integer.class).single();
        return jdbc.sql("""
                        SELECT id, name, ST_X(location) AS longitude, ST_Y(location) AS latitude
                        FROM parking ORDER BY ST_Distance(location, POINT(?, ?)) LIMIT 10""")
                .params(longitude, latitude)
                .query(Parking.class)
                .list();
    }

    Parking save(Parking.New parking) {
        var key = new GeneratedKeyHolder();
        jdbc.sql("INSERT INTO parking (name, location) VALUES (?, POINT(?, ?))")
                .params(parking.name(), parking.longitude(), parking.latitude())
                .update(key);
        return new Parking(key.getKey().longValue(), parking.name(), parking.longitude(), parking.latitude());
    }
}
