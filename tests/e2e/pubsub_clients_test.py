"""Google's Pub/Sub library for Node.js, which speaks gRPC, against the real binary."""

import json
import os
import subprocess
import unittest

import harness
import npm_modules


class NodeTest(harness.PlatformTest):
    def run_scenario(self, name):
        env = {**os.environ, "PUBSUB_EMULATOR_HOST": self.thaw.api,
               "METADATA_SERVER_DETECTION": "none"}
        run = subprocess.run(
            ["node", str(harness.PROGRAMS / "pubsub_client.mjs"), str(npm_modules.installed()),
             name],
            env=env, capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-2000:])
        return json.loads(run.stdout)

    def test_topics_and_subscriptions_are_made_changed_listed_and_deleted(self):
        self.assertEqual(self.run_scenario("administration"), {
            "topics": ["projects/p/topics/news"],
            "subscriptions": ["projects/p/subscriptions/reader"], "left": 0})

    def test_schemas_are_refused_with_a_word_and_topics_that_want_one_too(self):
        told = self.run_scenario("schemas")
        self.assertEqual(told["told"], ["12 schemas: Thaw keeps none"])
        self.assertEqual(told["listed"], [])
        self.assertRegex(told["topic"], "^12 .*schemaSettings")

    def test_batches_come_whole_on_a_stream(self):
        self.assertEqual(self.run_scenario("batches"), {"got": 1000})

    def test_each_ordering_key_comes_in_order_after_a_nack_too(self):
        self.assertEqual(self.run_scenario("order"), {"again": True, "each": [100, 100, 100]})

    def test_exactly_once_delivery_answers_each_acknowledgement(self):
        self.assertEqual(self.run_scenario("exactlyOnce"), {
            "got": 50, "once": 50, "answers": ["SUCCESS"], "code": 9,
            "reason": "PERMANENT_FAILURE_INVALID_ACK_ID"})

    def test_a_message_that_always_fails_ends_in_the_dead_letter_topic(self):
        told = self.run_scenario("deadLetters")
        self.assertEqual(told["attempts"], [1, 2, 3, 4, 5])
        self.assertEqual(told["found"]["text"], "poison")
        self.assertEqual(told["found"]["a"], "b")
        self.assertEqual(told["found"]["CloudPubSubDeadLetterSourceDeliveryCount"], "5")
        self.assertEqual(told["found"]["CloudPubSubDeadLetterSourceSubscription"], "reader")

    def test_a_subscriber_never_has_more_than_it_allowed(self):
        self.assertLessEqual(self.run_scenario("flowControl")["most"], 4)

    def test_a_nacked_message_comes_again_at_once(self):
        self.assertEqual(self.run_scenario("nack"), {"times": 3, "messages": 1})

    def test_a_subscription_goes_back_to_a_snapshot_and_to_a_time(self):
        self.assertEqual(self.run_scenario("seek"), {
            "got": ["one", "one", "one"], "snapshots": ["projects/p/snapshots/before"]})


if __name__ == "__main__":
    unittest.main()
