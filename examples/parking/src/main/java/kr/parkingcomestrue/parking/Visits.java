package kr.parkingcomestrue.parking;

import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.stereotype.Component;

/** Counts visits over all slots and releases. */
@Component
class Visits {

    private final StringRedisTemplate redis;

    Visits(StringRedisTemplate redis) {
        this.redis = redis;
    }

    long next() {
        Long count = redis.opsForValue().increment("visits");
        return count == null ? 0 : count;
    }
}
