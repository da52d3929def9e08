#include "pubsub_api/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pubsub_api/methods.h"

namespace thaw::pubsub_api {

using messaging::Bus;
using messaging::Received;

namespace {

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

Answer<void> effect_of(const Bus& bus, const std::string& subscription,
                       const Bus::Ignored& ignored) {
  if (ignored.ack_ids.empty()) return {};
  if (bus.flags(subscription).acks != messaging::DeliveryRules::Acks::kExactlyOnce) return {};
  Fault fault(
      Error(Code::kFailedPrecondition, "Some acknowledgement ids in the request were invalid."));
  fault.ack_ids = ignored.ack_ids;
  return tl::unexpected(std::move(fault));
}

Result<std::vector<std::string>> ack_ids_of(const Json& request) {
  std::vector<std::string> ids;
  const Json& list = request["ackIds"];
  if (!list.is_array()) return invalid("ackIds: is missing or empty");
  for (const Json& id : list.as_array()) {
    if (!id.is_string()) return invalid("ackIds: must be strings");
    ids.push_back(id.as_string());
  }
  return ids;
}

Answer<Json> empty_or(const Answer<void>& effect) {
  if (!effect) return tl::unexpected(effect.error());
  return Json::object();
}

void publish(Bus& bus, const Json& request, const Service::Done& done) {
  const auto fail = [&](const Error& error) { done(tl::unexpected(Fault(error))); };
  const Json& list = request["messages"];
  if (!list.is_array()) return fail(invalid("messages: must be an array"));
  std::vector<messaging::Message> messages;
  for (const Json& each : list.as_array()) {
    auto message = messaging::message_from_json(each, fmt::format("messages[{}]", messages.size()));
    if (!message) return fail(message.error());
    messages.push_back(*std::move(message));
  }
  bus.publish(request.string_or("topic"), std::move(messages),
              [done](Result<std::vector<messaging::MessageId>> ids) {
                if (!ids) return done(tl::unexpected(Fault(ids.error())));
                Json::Array texts;
                for (const messaging::MessageId id : *ids) texts.push_back(std::to_string(id));
                done(Json::object({{"messageIds", std::move(texts)}}));
              });
}

Service::Pending pull(Service& service, const Json& request, const Service::Context& context,
                      Service::Done done) {
  using Wait = Service::PullRequest::Wait;
  const bool at_once = request.bool_or("returnImmediately", false);
  auto handle = service.pull({.subscription = request.string_or("subscription"),
                              .most = request.int_or("maxMessages", 0),
                              .wait = at_once ? Wait::kNot : Wait::kUntilThereIsOne},
                             context, [done](Result<std::vector<Received>> received) {
                               if (!received) return done(tl::unexpected(Fault(received.error())));
                               done(received_json(*received));
                             });
  if (handle == nullptr || handle->is_done()) return nullptr;
  return std::shared_ptr<void>(std::move(handle));
}

void modify_deadline(Service& service, const Json& request, const Service::Done& done) {
  const auto ids = ack_ids_of(request);
  if (!ids) return done(tl::unexpected(Fault(ids.error())));
  const Json& deadline = request["ackDeadlineSeconds"];
  if (!deadline.is_null() && !deadline.is_int()) {
    return done(tl::unexpected(Fault(invalid("ackDeadlineSeconds: must be a whole number"))));
  }
  done(empty_or(service.modify_deadline(request.string_or("subscription"), *ids,
                                        request.int_or("ackDeadlineSeconds", 0))));
}

}  // namespace

Json Fault::details() const {
  if (ack_ids.empty()) return Json::array();
  Json metadata = Json::object();
  for (const std::string& id : ack_ids) metadata.set(id, "PERMANENT_FAILURE_INVALID_ACK_ID");
  return Json::Array{Json::object({{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                                   {"reason", "INVALID_ACK_ID"},
                                   {"domain", "pubsub.googleapis.com"},
                                   {"metadata", std::move(metadata)}})};
}

Json received_json(const std::vector<Received>& received) {
  Json::Array items;
  for (const Received& each : received) {
    Json item = Json::object(
        {{"ackId", each.ack_id}, {"message", to_json(each.stored, messaging::Spelling::kCamel)}});
    if (each.attempt > 0) item.set("deliveryAttempt", each.attempt);
    items.push_back(std::move(item));
  }
  Json json = Json::object();
  if (!items.empty()) json.set("receivedMessages", std::move(items));
  return json;
}

bool Service::knows(std::string_view method) { return find_method(method) != nullptr; }

Service::Pending Service::call(std::string_view method, const Json& request, const Context& context,
                               Done done) {
  const Method* const found = find_method(method);
  const auto fail = [&](Error error) {
    done(tl::unexpected(Fault(std::move(error))));
    return nullptr;
  };
  if (found == nullptr) {
    return fail(Error(Code::kUnimplemented, fmt::format("{}: is not supported by Thaw", method)));
  }
  if (!found->fields.empty()) {
    const auto known = messaging::check_members(request, method, found->fields);
    if (!known) return fail(known.error());
  }
  switch (found->kind) {
    case Method::Kind::kPublish:
      publish(bus_, request, done);
      break;
    case Method::Kind::kPull:
      return pubsub_api::pull(*this, request, context, std::move(done));
    case Method::Kind::kModifyDeadline:
      pubsub_api::modify_deadline(*this, request, done);
      break;
    case Method::Kind::kAcknowledge: {
      const auto ids = ack_ids_of(request);
      if (!ids) return fail(ids.error());
      acknowledge(request.string_or("subscription"), *ids,
                  [done](const Answer<void>& effect) { done(empty_or(effect)); });
      break;
    }
    case Method::Kind::kSeek:
      seek(bus_, request, done);
      break;
    case Method::Kind::kSimple: {
      auto answer = found->run(bus_, request);
      if (!answer) return fail(answer.error());
      done(*std::move(answer));
    }
  }
  return nullptr;
}

void Service::acknowledge(const std::string& subscription, const std::vector<std::string>& ack_ids,
                          OnEffect done) {
  if (ack_ids.empty()) {
    return done(tl::unexpected(Fault(invalid("ackIds: is missing or empty"))));
  }
  bus_.acknowledge(subscription, ack_ids,
                   [this, subscription, done = std::move(done)](Result<Bus::Ignored> ignored) {
                     if (!ignored) return done(tl::unexpected(Fault(ignored.error())));
                     done(effect_of(bus_, subscription, *ignored));
                   });
}

Answer<void> Service::modify_deadline(const std::string& subscription,
                                      const std::vector<std::string>& ack_ids,
                                      int64_t seconds_left) {
  if (ack_ids.empty()) return tl::unexpected(Fault(invalid("ackIds: is missing or empty")));
  const auto ignored = bus_.modify(subscription, ack_ids,
                                   static_cast<int>(std::clamp<int64_t>(seconds_left, -1, 601)));
  if (!ignored) return tl::unexpected(Fault(ignored.error()));
  return effect_of(bus_, subscription, *ignored);
}

std::unique_ptr<Bus::PullHandle> Service::pull(const PullRequest& request, const Context& context,
                                               Bus::OnPulled done) {
  if (request.most < 1) {
    done(invalid("maxMessages: must be a whole number of at least 1"));
    return nullptr;
  }
  Bus::PullOptions options{.most =
                               std::min<size_t>(static_cast<size_t>(request.most), kMostPulled)};
  if (request.wait == PullRequest::Wait::kUntilThereIsOne) {
    options.wait = std::min(context.longest_wait, kLongestPull);
  }
  return bus_.pull(request.subscription, options, std::move(done));
}

}  // namespace thaw::pubsub_api
