package kr.parkingcomestrue.parking;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Names the release in every answer, errors and health included. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class VersionHeader extends OncePerRequestFilter {

    private final String version;

    VersionHeader(@Value("${app.version}") String version) {
        this.version = version;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        response.setHeader("X-Version", version);
        chain.doFilter(request, response);
    }
}
