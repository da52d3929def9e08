#include "pipeline/file.h"

#include <gtest/gtest.h>

namespace thaw::pipeline {
namespace {

constexpr std::string_view kHead =
    "apiVersion: thaw.local/v1\nkind: Pipeline\nmetadata:\n  name: demo\n";

std::string fault_of(const std::string& text) {
  const auto file = parse(text, "p.yaml");
  return file ? "" : file.error().message();
}

TEST(PipelineFile, ListsWhatIsToBeMadeInTheOrderOfMaking) {
  const auto file = parse(std::string(kHead) +
                              "notifications:\n  - {bucket: inbox, topic: landed}\n"
                              "subscriptions:\n"
                              "  - name: s\n    topic: landed\n"
                              "    pushConfig: {service: worker, path: '/?a=1'}\n"
                              "    deadLetterPolicy: {deadLetterTopic: dead}\n"
                              "topics:\n  - name: landed\nbuckets:\n  - name: inbox\n"
                              "---\napiVersion: serving.knative.dev/v1\nkind: Service\n"
                              "metadata: {name: worker}\nspec: {template: {spec: {containers: "
                              "[{image: thaw.local/host, command: [x]}]}}}\n",
                          "p.yaml");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->name, "demo");
  std::vector<std::string> keys;
  for (const Resource& each : file->resources) keys.push_back(each.key.str());
  EXPECT_EQ(keys, (std::vector<std::string>{"bucket inbox", "topic landed", "service worker",
                                            "subscription s", "notification inbox/ -> landed"}));
  const Json& subscription = file->resources[3].body;
  EXPECT_EQ(subscription.string_or("topic"), "projects/thaw/topics/landed");
  EXPECT_EQ(subscription["deadLetterPolicy"].string_or("deadLetterTopic"),
            "projects/thaw/topics/dead");
  EXPECT_EQ(pushed_service(subscription), "worker");
  EXPECT_EQ(with_address(subscription, "http://w")["pushConfig"].dump(),
            R"({"pushEndpoint":"http://w/?a=1"})");
}

TEST(PipelineFile, ShortNamesOfAccountsAreOfItsProject) {
  const auto file =
      parse(std::string(kHead) +
                "  project: shop\n"
                "invokers:\n  - service: worker\n    members: [user:a@b, "
                "serviceAccount:pusher, serviceAccount:pusher, 'serviceAccount:x@y']\n"
                "serviceAccounts:\n  - {name: pusher, displayName: P}\n"
                "subscriptions:\n  - name: s\n    topic: t\n"
                "    pushConfig: {service: worker, oidcToken: {serviceAccountEmail: "
                "pusher}}\n",
            "p.yaml");
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->resources.size(), 3u);
  EXPECT_EQ(file->resources[0].key.str(), "service account pusher");
  const std::string address = "pusher@shop.iam.gserviceaccount.com";
  EXPECT_EQ(file->resources[0].body.string_or("email"), address);
  EXPECT_EQ(file->resources[1].key.str(), "invokers worker");
  EXPECT_EQ(file->resources[1].body["members"].dump(),
            R"(["serviceAccount:)" + address + R"(","serviceAccount:x@y","user:a@b"])");
  EXPECT_EQ(file->resources[2].body["pushConfig"]["oidcToken"].string_or("serviceAccountEmail"),
            address);
}

TEST(PipelineFile, EveryFaultHasItsPlaceAndTheNearestName) {
  const std::pair<const char*, const char*> kCases[] = {
      {"bukets: []\n", "p.yaml:5:1: bukets: unknown field \"bukets\"; did you mean 'buckets'?"},
      {"topics:\n  - nane: a\n",
       "p.yaml:6:5: topics[0].nane: unknown field \"nane\"; did you mean 'name'?\n"
       "p.yaml:6:5: topics[0].name: is missing"},
      {"topics: [{name: a}, {name: a}]\n",
       "p.yaml:5:21: topic a stands here a second time; first on line 5"},
      {"buckets: [{name: ab}]\n",
       "p.yaml:5:11: buckets.name: \"ab\" must have 3 to 63 characters, as all buckets'"},
      {"subscriptions: [{name: a, topic: t, ackDeadlineSeconds: 5}]\n",
       "p.yaml:5:57: subscriptions[0].ackDeadlineSeconds: 5 is not between 10 and 600"},
      {"subscriptions: [{name: a, topic: t, pushConfig: {}}]\n",
       "p.yaml:5:49: pushConfig: one of service and pushEndpoint is wanted"},
      {"subscriptions: [{name: a, topic: t, retryPolicy: {minimumBackoff: 2}}]\n",
       "p.yaml:5:67: subscriptions[0].retryPolicy.minimumBackoff: expected a time in seconds such "
       "as '600s', found the number 2"},
      {"notifications: [{bucket: b, topic: t, event_types: [OBJECT_FINALISE]}]\n",
       "p.yaml:5:53: notifications[0].event_types[0]: \"OBJECT_FINALISE\" is none of its values; "
       "did you mean 'OBJECT_FINALIZE'?"},
      {"serviceAccounts: [{name: Pusher}]\n",
       "p.yaml:5:26: serviceAccounts.name: \"Pusher\" must have 6 to 30 small letters, digits and "
       "'-', a letter first"},
      {"invokers: [{service: a, members: [all]}]\n",
       "p.yaml:5:35: invokers.members: \"all\" is no member: allUsers, allAuthenticatedUsers, "
       "serviceAccount:NAME, user:EMAIL, group:EMAIL or domain:NAME"},
      {"---\nkind: Deployment\n",
       "p.yaml:6:7: kind: \"Deployment\" is none of Pipeline, Service and WorkerPool"},
      {"---\nkind: Pipeline\n", "p.yaml:6:7: kind: a second Pipeline; the first is on line 1"},
  };
  for (const auto& [text, fault] : kCases) {
    EXPECT_EQ(fault_of(std::string(kHead) + text), fault) << text;
  }
}

TEST(PipelineFile, ATriggerIsATopicANotificationAndAPushOfCloudEvents) {
  const auto file =
      parse(std::string(kHead) +
                "triggers:\n"
                "  - name: on-csv\n"
                "    eventFilters:\n"
                "      - {attribute: type, value: google.cloud.storage.object.v1.finalized}\n"
                "      - {attribute: bucket, value: inbox}\n"
                "    destination: {cloudRun: {service: w, path: /events}}\n"
                "  - name: on-news\n"
                "    eventFilters:\n"
                "      - {attribute: type, value: google.cloud.pubsub.topic.v1.messagePublished}\n"
                "    transport: {pubsub: {topic: news}}\n"
                "    serviceAccount: caller@example.org\n"
                "    destination: {cloudRun: {service: w}}\n",
            "p.yaml");
  ASSERT_TRUE(file) << file.error().message();
  std::vector<std::string> keys;
  for (const Resource& each : file->resources) keys.push_back(each.key.str());
  EXPECT_EQ(keys, (std::vector<std::string>{"topic eventarc-on-csv", "subscription eventarc-on-csv",
                                            "subscription eventarc-on-news",
                                            "notification inbox/ -> eventarc-on-csv"}));
  EXPECT_EQ(file->resources[1].body["pushConfig"]["attributes"].string_or("x-thaw-format"),
            "cloudevents");
  EXPECT_EQ(file->resources[2].body.string_or("topic"), "projects/thaw/topics/news");
  EXPECT_TRUE(file->resources[1].body["pushConfig"]["oidcToken"].is_null());
  EXPECT_EQ(file->resources[2].body["pushConfig"]["oidcToken"].string_or("serviceAccountEmail"),
            "caller@example.org");
  EXPECT_EQ(file->resources[3].body["event_types"].dump(), R"(["OBJECT_FINALIZE"])");
}

TEST(PipelineFile, ATriggersFaultsSayWhatItWants) {
  const auto fault = [](const std::string& filters, const std::string& more = "") {
    return fault_of(std::string(kHead) + "triggers:\n  - name: t\n    eventFilters: [" + filters +
                    "]\n    destination: {cloudRun: {service: w}}\n" + more);
  };
  const std::string finalized =
      "{attribute: type, value: google.cloud.storage.object.v1.finalized}";
  EXPECT_NE(fault("{attribute: bucket, value: b}").find("'type'"), std::string::npos);
  EXPECT_NE(fault(finalized).find("'bucket'"), std::string::npos);
  EXPECT_NE(fault("{attribute: type, value: google.cloud.storage.object.v1.finalised}")
                .find("did you mean 'google.cloud.storage.object.v1.finalized'?"),
            std::string::npos);
  EXPECT_NE(fault("{attribute: type, value: google.cloud.pubsub.topic.v1.messagePublished}")
                .find("transport.pubsub.topic"),
            std::string::npos);
  EXPECT_NE(fault("{attribute: typ, value: x}").find("did you mean 'type'?"), std::string::npos);
  for (const char* account : {"", "@example.org", "caller@"}) {
    EXPECT_NE(fault("{attribute: type, value: google.cloud.pubsub.topic.v1.messagePublished}",
                    std::string("    transport: {pubsub: {topic: t}}\n    serviceAccount: '") +
                        account + "'\n")
                  .find("is no account: NAME or NAME@DOMAIN"),
              std::string::npos)
        << account;
  }
}

TEST(PipelineFile, AServicesFaultsHaveTheirLineInTheFile) {
  const std::string fault =
      fault_of(std::string(kHead) +
               "---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: w}\n"
               "spec: {template: {spec: {contaners: []}}}\n");
  EXPECT_NE(fault.find("p.yaml:9:"), std::string::npos) << fault;
  EXPECT_NE(fault.find("did you mean 'containers'?"), std::string::npos) << fault;
}

TEST(PipelineFile, WithoutAPipelineThereIsNoName) {
  EXPECT_NE(fault_of("kind: Service\n").find("p.yaml:1:1:"), std::string::npos);
  EXPECT_NE(fault_of("").find("the file is empty"), std::string::npos);
}

}  // namespace
}  // namespace thaw::pipeline
