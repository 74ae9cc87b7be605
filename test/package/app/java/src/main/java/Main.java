import io.github.cdk8sistioegress.Caller;
import io.github.cdk8sistioegress.GatewayEgress;
import io.github.cdk8sistioegress.GatewayInstallation;
import io.github.cdk8sistioegress.HelmChartGatewayOptions;
import io.github.cdk8sistioegress.InstalledEgressGateway;
import io.github.cdk8sistioegress.TlsOrigination;
import java.util.List;
import org.cdk8s.App;
import org.cdk8s.Chart;
import org.cdk8s.ChartProps;

public class Main {
    public static void main(String[] args) {
        App app = new App();
        Chart chart = new Chart(app, "payments", ChartProps.builder().namespace("payments").build());

        InstalledEgressGateway exit = InstalledEgressGateway.Builder.create(chart, "exit")
            .installation(GatewayInstallation.helmChart(HelmChartGatewayOptions.builder().namespace("egress").build()))
            .build();
        GatewayEgress partner = GatewayEgress.Builder.create(chart, "partner")
            .gateway(exit)
            .hosts(List.of("api.partner.com"))
            .callers(List.of(Caller.serviceAccount("payments", "checkout")))
            .build();
        TlsOrigination.Builder.create(chart, "partner-tls").egress(partner).build();

        app.synth();
    }
}
