#include "pipeline/plan.h"

#include <gtest/gtest.h>

namespace thaw::pipeline {
namespace {

Json json(std::string_view text) {
  auto parsed = Json::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Json();
}

const Key kTopic{Kind::kTopic, "t"};
const Key kSub{Kind::kSubscription, "s"};
const Key kBucket{Kind::kBucket, "b"};

File file(std::vector<Resource> resources) { return {"demo", "thaw", std::move(resources)}; }

Step only(const Result<Plan>& plan) {
  EXPECT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->steps.size(), 1u);
  return plan->steps.empty() ? Step() : plan->steps[0];
}

TEST(Plan, AddsWhatIsMissingAndThenHasNothingToDo) {
  const File wanted = file({{kTopic, json(R"({"labels":{"a":"b"}})")}});
  Facts facts;
  EXPECT_EQ(only(make_plan(wanted, facts, Adopt::kNo)).action, Action::kAdd);
  facts.actual[kTopic] = json(R"({"name":"t","labels":{"a":"b"},"state":"ACTIVE"})");
  facts.applied[kTopic] = wanted.resources[0].body;
  const auto again = make_plan(wanted, facts, Adopt::kNo);
  EXPECT_EQ(only(again).action, Action::kKeep);
  EXPECT_TRUE(again->empty());
}

TEST(Plan, WhatOthersMadeIsLeftAloneOrAdoptedNeverChangedUnasked) {
  const File wanted = file({{kSub, json(R"({"ackDeadlineSeconds":20})")}});
  Facts facts;
  facts.actual[kSub] = json(R"({"ackDeadlineSeconds":20})");
  EXPECT_EQ(only(make_plan(wanted, facts, Adopt::kNo)).action, Action::kLeave);
  EXPECT_EQ(only(make_plan(wanted, facts, Adopt::kYes)).action, Action::kAdopt);
  facts.actual[kSub] = json(R"({"ackDeadlineSeconds":30})");
  const auto refused = make_plan(wanted, facts, Adopt::kNo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message().find("ackDeadlineSeconds"), std::string::npos);
  EXPECT_EQ(only(make_plan(wanted, facts, Adopt::kYes)).action, Action::kChange);
}

TEST(Plan, TellsTheFilesChangesFromDrift) {
  Facts facts;
  facts.applied[kSub] = json(R"({"ackDeadlineSeconds":20,"filter":""})");
  facts.actual[kSub] = json(R"({"ackDeadlineSeconds":30})");
  Step step =
      only(make_plan(file({{kSub, json(R"({"ackDeadlineSeconds":20})")}}), facts, Adopt::kNo));
  ASSERT_EQ(step.changes.size(), 1u);
  EXPECT_EQ(step.changes[0].cause, Change::Cause::kDrift);
  step = only(make_plan(file({{kSub, json(R"({"ackDeadlineSeconds":40})")}}), facts, Adopt::kNo));
  ASSERT_EQ(step.changes.size(), 1u);
  EXPECT_EQ(step.changes[0].cause, Change::Cause::kFile);
  EXPECT_EQ(step.send.dump(), R"({"ackDeadlineSeconds":40})");
}

TEST(Plan, WhatTheFileNoLongerSaysGoesBackToItsDefault) {
  Facts facts;
  facts.applied[kBucket] = json(R"({"labels":{"a":"1","b":"2"},"storageClass":"COLDLINE"})");
  facts.actual[kBucket] =
      json(R"({"labels":{"a":"1","b":"2","theirs":"3"},"storageClass":"COLDLINE"})");
  const Step step =
      only(make_plan(file({{kBucket, json(R"({"labels":{"a":"1"}})")}}), facts, Adopt::kNo));
  EXPECT_EQ(step.action, Action::kChange);
  EXPECT_EQ(step.send.dump(), R"({"labels":{"a":"1","b":null,"theirs":"3"},"storageClass":null})");
}

TEST(Plan, WhatCannotBeChangedIsMadeAnew) {
  Facts facts;
  facts.applied[kSub] = json(R"({"topic":"projects/p/topics/a"})");
  facts.actual[kSub] = json(R"({"topic":"projects/p/topics/a"})");
  const auto plan =
      make_plan(file({{kSub, json(R"({"topic":"projects/p/topics/b"})")}}), facts, Adopt::kNo);
  EXPECT_EQ(only(plan).action, Action::kReplace);
  EXPECT_EQ(plan->counts().add, 1);
  EXPECT_EQ(plan->counts().destroy, 1);
  facts.actual[kBucket] = facts.applied[kBucket] = json(R"({"location":"EU"})");
  facts.applied.erase(kSub);
  EXPECT_FALSE(make_plan(file({{kBucket, json(R"({"location":"US"})")}}), facts, Adopt::kNo));
}

TEST(Plan, DestroysItsOwnOnlyLastMadeFirst) {
  Facts facts;
  facts.applied[kTopic] = facts.applied[kSub] = facts.applied[kBucket] = Json::object();
  facts.actual = facts.applied;
  facts.actual[{Kind::kTopic, "others"}] = Json::object();
  facts.actual.erase(kBucket);  // somebody removed it: nothing to do
  std::vector<std::string> gone;
  for (const Step& step : make_destroy_plan(facts).steps) gone.push_back(step.key.str());
  EXPECT_EQ(gone, (std::vector<std::string>{"subscription s", "topic t"}));
  const auto plan = make_plan(file({{kTopic, Json::object()}}), facts, Adopt::kNo);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->counts().destroy, 1);
  EXPECT_EQ(plan->steps[0].key.str(), "subscription s");
}

TEST(Plan, ValuesThatMeanTheSameAreNoDifference) {
  EXPECT_TRUE(differences(json(R"({"ttl":"0.20s","size":5,"flag":false,"push":{},"list":[]})"),
                          json(R"({"ttl":"0.2s","size":"5","extra":1})"))
                  .empty());
  EXPECT_EQ(differences(json(R"({"list":[1,2]})"), json(R"({"list":[1]})")).size(), 1u);
  EXPECT_EQ(differences(json(R"({"push":{}})"), json(R"({"push":{"a":1}})")).size(), 1u);
}

constexpr std::string_view kService =
    R"({"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"w"},
        "spec":{"template":{"spec":{"containers":[{"image":"thaw.local/host",
                                                   "command":["x"]}]}}}})";

TEST(Plan, AServiceIsComparedWholeAfterDefaults) {
  const Key key{Kind::kService, "w"};
  Facts facts;
  facts.actual[key] = *normal_service(json(kService));
  facts.applied[key] = json(kService);
  EXPECT_EQ(only(make_plan(file({{key, json(kService)}}), facts, Adopt::kNo)).action,
            Action::kKeep);
  Json theirs = json(kService);
  theirs.set("spec",
             json(R"({"template":{"spec":{"containers":[{"image":"thaw.local/host","command":["x"],
                              "env":[{"name":"A","value":"b"}]}],"timeoutSeconds":9}}})"));
  facts.actual[key] = *normal_service(theirs);
  const Step step = only(make_plan(file({{key, json(kService)}}), facts, Adopt::kNo));
  EXPECT_EQ(step.action, Action::kChange);
  ASSERT_EQ(step.changes.size(), 2u);
  for (const Change& change : step.changes) EXPECT_EQ(change.cause, Change::Cause::kDrift);
}

}  // namespace
}  // namespace thaw::pipeline
