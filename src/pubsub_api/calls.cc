#include "pubsub_api/calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pubsub_api/codec.h"

namespace thaw::pubsub_api {
namespace {

using messaging::Bus;
using messaging::Received;
using Context = Service::Context;
using Done = Calls::Done;
using Pending = Service::Pending;

void fail(const Done& done, Error error) { done(tl::unexpected(Fault(std::move(error)))); }

/// google.protobuf.Empty, which has no bytes.
Answer<std::string> empty_or(const Answer<void>& effect) {
  if (!effect) return tl::unexpected(effect.error());
  return std::string();
}

Pending publish(Service& service, const std::string& bytes, const Context&, Done done) {
  auto request = read_publish(bytes);
  if (!request) return fail(done, request.error()), nullptr;
  for (size_t i = 0; i < request->messages.size(); ++i) {
    const auto checked = request->messages[i].check(fmt::format("messages[{}]", i));
    if (!checked) return fail(done, checked.error()), nullptr;
  }
  service.bus().publish(request->topic, std::move(request->messages),
                        [done = std::move(done)](Result<std::vector<messaging::MessageId>> ids) {
                          if (!ids) return fail(done, ids.error());
                          done(write_published(*ids));
                        });
  return nullptr;
}

Pending pull(Service& service, const std::string& bytes, const Context& context, Done done) {
  const auto request = read_pull(bytes);
  if (!request) return fail(done, request.error()), nullptr;
  auto handle = service.pull(*request, context,
                             [done = std::move(done)](Result<std::vector<Received>> received) {
                               if (!received) return fail(done, received.error());
                               done(write_pulled(*received));
                             });
  if (handle == nullptr || handle->is_done()) return nullptr;
  return Pending(std::move(handle));
}

Pending acknowledge(Service& service, const std::string& bytes, const Context&, Done done) {
  const auto request = read_acknowledge(bytes);
  if (!request) return fail(done, request.error()), nullptr;
  service.acknowledge(
      request->subscription, request->ack_ids,
      [done = std::move(done)](const Answer<void>& effect) { done(empty_or(effect)); });
  return nullptr;
}

Pending modify_deadline(Service& service, const std::string& bytes, const Context&, Done done) {
  const auto request = read_modify_deadline(bytes);
  if (!request) return fail(done, request.error()), nullptr;
  done(
      empty_or(service.modify_deadline(request->subscription, request->ack_ids, request->seconds)));
  return nullptr;
}

/// The calls that come often.
struct Quick {
  std::string_view path;
  Pending (*run)(Service& service, const std::string& bytes, const Context& context, Done done);
};
constexpr Quick kQuick[] = {
    {"/google.pubsub.v1.Publisher/Publish", publish},
    {"/google.pubsub.v1.Subscriber/Acknowledge", acknowledge},
    {"/google.pubsub.v1.Subscriber/ModifyAckDeadline", modify_deadline},
    {"/google.pubsub.v1.Subscriber/Pull", pull},
};

}  // namespace

Pending Calls::call(std::string_view path, const std::string& request, const Context& context,
                    Done done) {
  for (const Quick& quick : kQuick) {
    if (quick.path == path) return quick.run(service_, request, context, std::move(done));
  }
  return call_by_json(path, request, context, std::move(done));
}

Pending Calls::call_by_json(std::string_view path, const std::string& request,
                            const Context& context, Done done) {
  auto method = definitions_.method(path);
  if (!method) return fail(done, method.error()), nullptr;
  const auto json = definitions_.to_json(method->input, request);
  if (!json) return fail(done, json.error()), nullptr;
  return service_.call(
      method->name, *json, context,
      [this, output = method->output, done = std::move(done)](const Answer<Json>& answer) {
        if (!answer) return done(tl::unexpected(answer.error()));
        auto bytes = definitions_.to_bytes(output, *answer);
        if (!bytes) return fail(done, bytes.error());
        done(*std::move(bytes));
      });
}

std::string Calls::details(const Fault& fault, int status) {
  Json details = fault.details();
  if (details.as_array().empty()) return {};
  const Json json = Json::object(
      {{"code", status}, {"message", fault.error.message()}, {"details", std::move(details)}});
  return definitions_.to_bytes("google.rpc.Status", json).value_or("");
}

}  // namespace thaw::pubsub_api
