package main

import (
	"github.com/aws/jsii-runtime-go"
	egress "github.com/cdk8s-istio-egress/cdk8s-istio-egress-go/cdk8sistioegress"
	"github.com/cdk8s-team/cdk8s-core-go/cdk8s/v2"
)

func main() {
	defer jsii.Close()

	app := cdk8s.NewApp(nil)
	chart := cdk8s.NewChart(app, jsii.String("payments"), &cdk8s.ChartProps{Namespace: jsii.String("payments")})

	exit := egress.NewInstalledEgressGateway(chart, jsii.String("exit"), &egress.InstalledEgressGatewayProps{
		Installation: egress.GatewayInstallation_HelmChart(&egress.HelmChartGatewayOptions{Namespace: jsii.String("egress")}),
	})
	partner := egress.NewGatewayEgress(chart, jsii.String("partner"), &egress.GatewayEgressProps{
		Gateway: exit,
		Hosts:   jsii.Strings("api.partner.com"),
		Callers: &[]egress.Caller{egress.Caller_ServiceAccount(jsii.String("payments"), jsii.String("checkout"), nil)},
	})
	egress.NewTlsOrigination(chart, jsii.String("partner-tls"), &egress.TlsOriginationProps{Egress: partner})

	app.Synth()
}
