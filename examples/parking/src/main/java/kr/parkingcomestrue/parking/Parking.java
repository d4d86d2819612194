package kr.parkingcomestrue.parking;

public record Parking(long id, String name, double longitude, double latitude) {

    /** What a client sends: the database gives the id. */
    public record New(String name, Double longitude, Double latitude) {

        static final int LONGEST_NAME = 100;

        boolean isValid() {
            return name != null && !name.isBlank()
                    && name.codePointCount(0, name.length()) <= LONGEST_NAME
                    && longitude != null && Math.abs(longitude) <= 180
                    && latitude != null && Math.abs(latitude) <= 90;
        }
    }
}
