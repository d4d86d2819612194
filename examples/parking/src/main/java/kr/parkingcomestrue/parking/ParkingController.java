package kr.parkingcomestrue.parking;

import java.util.List;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
class ParkingController {

    record Welcome(String app, String version, long visits) {
    }

    private final ParkingRepository parkings;
    private final Visits visits;
    private final String version;
    private final long queryMs;

    ParkingController(ParkingRepository parkings, Visits visits,
            @Value("${app.version}") String version, @Value("${app.query-ms}") long queryMs) {
        this.parkings = parkings;
        this.visits = visits;
        this.version = version;
        this.queryMs = queryMs;
    }

    @GetMapping("/")
    Welcome welcome() {
        return new Welcome("parking", version, visits.next());
    }

    /** Counts like the welcome, but by a write: what a load test sends. */
    @PostMapping("/visits")
    Welcome visit() {
        return welcome();
    }

    @GetMapping("/parkings")
    List<Parking> list() {
        return parkings.findNewest();
    }

    @GetMapping("/parkings/nearest")
    List<Parking> nearest(@RequestParam double longitude, @RequestParam double latitude) {
        return parkings.findNearest(longitude, latitude, queryMs);
    }

    @PostMapping("/parkings")
    @ResponseStatus(HttpStatus.CREATED)
    Parking create(@RequestBody Parking.New parking) {
        if (!parking.isValid()) {
            throw new ResponseStatusException(HttpStatus.BAD_REQUEST, "name, longitude and latitude are needed");
        }
        return parkings.save(parking);
    }
}
