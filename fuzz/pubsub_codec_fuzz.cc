// The reader of Pub/Sub's wire messages refuses or accepts any bytes; what a publish holds comes
// back the same when it is delivered.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "pubsub_api/codec.h"
#include "rpc/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::pubsub_api;
  using thaw::rpc::WireReader;
  using thaw::rpc::WireWriter;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto stream = read_stream_request(bytes)) {
    CHECK(thaw::is_utf8(stream->subscription), "names are text");
    for (const auto& id : stream->ack_ids) CHECK(thaw::is_utf8(id), "ack IDs are text");
  }
  (void)read_pull(bytes);
  (void)read_acknowledge(bytes);
  (void)read_modify_deadline(bytes);
  const auto publish = read_publish(bytes);
  if (!publish) {
    CHECK(!publish.error().message().empty(), "a refusal says why");
    return 0;
  }
  std::vector<thaw::messaging::Received> received;
  for (const auto& message : publish->messages) received.push_back({"id", {1, {}, message}, 1});
  // A PubsubMessage is the same both ways: what was delivered can be published again.
  const std::string pulled = write_pulled(received);
  WireWriter again;
  for (WireReader items(pulled); items.next();) {
    for (WireReader item(items.bytes()); item.next();) {
      if (item.field() == 2) again.bytes(2, item.bytes(), WireWriter::Empty::kToo);
    }
  }
  const auto read = read_publish(std::move(again).take());
  CHECK(read.has_value(), "what was written can be read");
  CHECK(read->messages.size() == publish->messages.size(), "and is as many");
  for (size_t i = 0; i < read->messages.size(); ++i) {
    const auto &one = read->messages[i], &other = publish->messages[i];
    CHECK(one.data == other.data && one.ordering_key == other.ordering_key, "and the same");
    CHECK(one.attributes == other.attributes, "and the same");
  }
  return 0;
}
