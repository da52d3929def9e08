// ServingTest: one service's Serving over the fakes of serving_testing.h.
// **Thread**: the test's.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "serving/serving.h"
#include "serving/serving_testing.h"

namespace thaw::serving {

class ServingTest : public testing::Test {
 protected:
  static RevisionConfig config(int concurrency = 1, int max = 3) {
    RevisionConfig c;
    c.instance.service = ServiceId("demo");
    c.instance.revision = kRevision;
    c.container_concurrency = concurrency;
    c.max_instances = max;
    c.initial_instances = 0;
    return c;
  }
  std::unique_ptr<Caller> call(double timeout = 300) {
    return std::make_unique<Caller>(*serving_, kRevision, time_.now() + seconds(timeout));
  }
  /// Lets the started instance `index` come up.
  void come_up(size_t index) {
    sandbox_.started[index]->observer->on_sandbox_ready();
    sandbox_.started[index]->observer->on_executed();
    prober_.answer(prober_.asked.size() - 1);
    time_.turn();
  }

  inline static const RevisionId kRevision{"demo-00001-abc"};
  FakeTime time_;
  CountingEntropy entropy_;
  FakeSandbox sandbox_;
  FakeProber prober_;
  RecordingObserver observer_;
  std::unique_ptr<Serving> serving_ = std::make_unique<Serving>(
      time_, time_, entropy_, sandbox_, prober_, observer_, Serving::Options());
};

}  // namespace thaw::serving
