package kr.parkingcomestrue.parking;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.verifyNoInteractions;
import static org.mockito.Mockito.when;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.jsonPath;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.autoconfigure.web.servlet.WebMvcTest;
import org.springframework.http.MediaType;
import org.springframework.test.context.bean.override.mockito.MockitoBean;
import org.springframework.test.web.servlet.MockMvc;

@WebMvcTest(properties = {"app.version=v7", "app.query-ms=5"})
class ParkingControllerTest {

    @Autowired
    MockMvc mvc;

    @MockitoBean
    ParkingRepository parkings;

    @MockitoBean
    Visits visits;

    @Test
    void welcomeCountsAndNamesTheRelease() throws Exception {
        when(visits.next()).thenReturn(3L);

        mvc.perform(get("/"))
                .andExpect(status().isOk())
                .andExpect(header().string("X-Version", "v7"))
                .andExpect(jsonPath("version").value("v7"))
                .andExpect(jsonPath("visits").value(3));
    }

    @Test
    void aVisitCanBePosted() throws Exception {
        when(visits.next()).thenReturn(4L);

        mvc.perform(post("/visits").contentType(MediaType.TEXT_PLAIN).content("1-1"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("visits").value(4));
    }

    @Test
    void anErrorNamesTheReleaseToo() throws Exception {
        mvc.perform(get("/nowhere"))
                .andExpect(status().isNotFound())
                .andExpect(header().string("X-Version", "v7"));
    }

    @Test
    void anEmojiComesBackAsItWas() throws Exception {
        when(parkings.save(any())).thenAnswer(call -> {
            Parking.New sent = call.getArgument(0);
            return new Parking(1, sent.name(), sent.longitude(), sent.latitude());
        });

        mvc.perform(post("/parkings").contentType(MediaType.APPLICATION_JSON)
                        .content("{\"name\":\"산타 🎅🏼\",\"longitude\":126.98,\"latitude\":37.57}"))
                .andExpect(status().isCreated())
                .andExpect(jsonPath("name").value("산타 🎅🏼"));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{}",
        "{\"name\":\" \",\"longitude\":0,\"latitude\":0}",
        "{\"name\":\"a\",\"longitude\":0}",
        "{\"name\":\"a\",\"longitude\":0,\"latitude\":91}",
        "not json",
    })
    void nonsenseIsRefused(String body) throws Exception {
        mvc.perform(post("/parkings").contentType(MediaType.APPLICATION_JSON).content(body))
                .andExpect(status().isBadRequest());
        verifyNoInteractions(parkings);
    }

    @Test
    void listsWhatIsThere() throws Exception {
        when(parkings.findNewest()).thenReturn(List.of(new Parking(2, "시청", 126.98, 37.57)));

        mvc.perform(get("/parkings"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$[0].name").value("시청"))
                .andExpect(jsonPath("$[0].longitude").value(126.98));
    }

    @Test
    void asksForTheNearestWithTheQueryOfThisRelease() throws Exception {
        when(parkings.findNearest(126.98, 37.57, 5)).thenReturn(List.of(new Parking(2, "시청", 126.98, 37.57)));

        mvc.perform(get("/parkings/nearest?longitude=126.98&latitude=37.57"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$[0].name").value("시청"));
        mvc.perform(get("/parkings/nearest")).andExpect(status().isBadRequest());
    }
}
