#include "spec/defaults.h"

#include <gtest/gtest.h>

#include "spec/emit.h"
#include "spec/parse.h"
#include "spec/settings.h"

namespace thaw::spec {
namespace {

Service minimal() {
  auto service = parse_service(R"(apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: demo}
spec: {template: {spec: {containers: [{image: thaw.local/host, command: [app, -v], args: [x]}]}}}
)",
                               "minimal.yaml");
  EXPECT_TRUE(service) << service.error().message();
  return *service;
}

TEST(Defaults, AreThoseOfCloudRun) {
  Service service = minimal();
  apply_defaults(service);
  EXPECT_EQ(to_yaml(service), R"(apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: demo
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/maxScale: '100'
    spec:
      containerConcurrency: 80
      containers:
      - args:
        - x
        command:
        - app
        - '-v'
        image: thaw.local/host
        ports:
        - containerPort: 8080
          name: http1
        resources:
          limits:
            cpu: 1000m
            memory: 512Mi
        startupProbe:
          failureThreshold: 1
          initialDelaySeconds: 0
          periodSeconds: 240
          successThreshold: 1
          tcpSocket:
            port: 8080
          timeoutSeconds: 240
      timeoutSeconds: 300
  traffic:
  - latestRevision: true
    percent: 100
)");
  EXPECT_TRUE(validate(service));
}

TEST(Defaults, FillingInTwiceChangesNothing) {
  Service once = minimal();
  apply_defaults(once);
  Service twice = once;
  apply_defaults(twice);
  EXPECT_EQ(once, twice);
}

TEST(Defaults, WhatWasGivenStays) {
  Service service = minimal();
  service.template_.spec.timeout = seconds(7);
  service.template_.spec.containers[0].ports.push_back({9000, PortProtocol::kH2c, {}});
  service.template_.scaling = {5, 6};
  service.traffic.push_back({"demo-1", false, 100, "", ""});
  Service full = service;
  apply_defaults(full);
  EXPECT_EQ(full.template_.spec.timeout, Duration(seconds(7)));
  EXPECT_EQ(full.template_.spec.containers[0].startup_probe->port, 9000);
  EXPECT_EQ(full.template_.scaling, service.template_.scaling);
  EXPECT_EQ(full.traffic, service.traffic);
}

TEST(Defaults, ConcurrencyIs80PerCpuAnd1BelowOne) {
  const std::pair<int64_t, int32_t> kRows[] = {{80, 1},     {999, 1},    {1000, 80},
                                               {2000, 160}, {4000, 320}, {8000, 640}};
  for (const auto& [millis, wanted] : kRows) {
    EXPECT_EQ(default_concurrency({millis}), wanted) << millis;
    Service service = minimal();
    service.template_.spec.containers[0].resources.cpu = Cpu{millis};
    service.template_.spec.container_concurrency = 0;
    apply_defaults(service);
    EXPECT_EQ(service.template_.spec.container_concurrency, wanted) << millis;
  }
}

TEST(Defaults, AMinimumAbove100RaisesTheMaximum) {
  Service service = minimal();
  service.template_.scaling.min_instances = 150;
  apply_defaults(service);
  EXPECT_EQ(service.template_.scaling.max_instances, 150);
  EXPECT_TRUE(validate(service));
}

TEST(Settings, AreFlatAndComplete) {
  const RevisionSettings settings = settings_of(minimal().template_);
  EXPECT_EQ(settings.image, ImageKind::kHost);
  EXPECT_EQ(settings.command, (std::vector<std::string>{"app", "-v"}));
  EXPECT_EQ(settings.args, std::vector<std::string>{"x"});
  EXPECT_EQ(settings.port, 8080);
  EXPECT_EQ(settings.cpu, Cpu{1000});
  EXPECT_EQ(settings.memory, mib(512));
  EXPECT_EQ(settings.concurrency, 80);
  EXPECT_EQ(settings.timeout, Duration(seconds(300)));
  EXPECT_EQ(settings.min_instances, 0);
  EXPECT_EQ(settings.max_instances, 100);
  EXPECT_EQ(settings.cpu_allocation, CpuAllocation::kRequestBased);
  EXPECT_EQ(settings.startup_probe.kind, ProbeKind::kTcp);
  EXPECT_EQ(settings.startup_probe.deadline(), Duration(seconds(240)));
  EXPECT_FALSE(settings.liveness_probe);
}

TEST(Settings, AnnotationsAreTyped) {
  RevisionTemplate revision = minimal().template_;
  revision.cpu_allocation = CpuAllocation::kInstanceBased;
  revision.startup_cpu_boost = true;
  revision.session_affinity = true;
  revision.spec.containers[0].liveness_probe = Probe{ProbeKind::kHttp};
  const RevisionSettings settings = settings_of(revision);
  EXPECT_EQ(settings.cpu_allocation, CpuAllocation::kInstanceBased);
  EXPECT_TRUE(settings.startup_cpu_boost);
  EXPECT_TRUE(settings.session_affinity);
  ASSERT_TRUE(settings.liveness_probe);
  EXPECT_EQ(settings.liveness_probe->http_path, "/");
  EXPECT_EQ(settings.liveness_probe->port, 8080);
  EXPECT_EQ(settings.liveness_probe->period, Duration(seconds(10)));
  EXPECT_EQ(settings.liveness_probe->timeout, Duration(seconds(1)));
  EXPECT_EQ(settings.liveness_probe->failure_threshold, 3);
}

}  // namespace
}  // namespace thaw::spec
