#include "csentencepiece.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

struct csp_processor {
    sentencepiece::SentencePieceProcessor processor;
};

static void write_message(const std::string &text, char *message, size_t room) {
    if (room == 0) return;
    size_t count = std::min(text.size(), room - 1);
    std::memcpy(message, text.data(), count);
    message[count] = 0;
}

csp_processor *csp_open(const uint8_t *model, size_t size, char *message, size_t room) {
    try {
        auto result = std::make_unique<csp_processor>();
        auto status = result->processor.LoadFromSerializedProto(
            absl::string_view(reinterpret_cast<const char *>(model), size));
        if (status.ok()) return result.release();
        write_message(status.ToString(), message, room);
    } catch (const std::exception &error) {
        write_message(error.what(), message, room);
    }
    return nullptr;
}

void csp_close(csp_processor *processor) { delete processor; }

int32_t csp_piece_count(const csp_processor *processor) { return processor->processor.GetPieceSize(); }

int64_t csp_encode(
    const csp_processor *processor, const char *text, size_t size, int32_t *ids, int32_t *starts, int32_t *ends,
    size_t room) {
    try {
        absl::string_view input(text, size);
        if (starts == nullptr) {
            std::vector<int> found;
            if (!processor->processor.Encode(input, &found).ok()) return -1;
            std::copy_n(found.begin(), std::min(room, found.size()), ids);
            return static_cast<int64_t>(found.size());
        }
        sentencepiece::ImmutableSentencePieceText found;
        if (!processor->processor.Encode(input, found.mutable_proto()).ok()) return -1;
        size_t count = found.pieces_size();
        for (size_t i = 0; i < std::min(room, count); i++) {
            auto piece = found.pieces(static_cast<int>(i));
            ids[i] = static_cast<int32_t>(piece.id());
            starts[i] = static_cast<int32_t>(piece.begin());
            ends[i] = static_cast<int32_t>(piece.end());
        }
        return static_cast<int64_t>(count);
    } catch (const std::exception &) {
        return -1;
    }
}

int64_t csp_decode(const csp_processor *processor, const int32_t *ids, size_t count, char *text, size_t room) {
    try {
        int size = processor->processor.GetPieceSize();
        std::vector<int> known;
        for (size_t i = 0; i < count; i++)
            if (ids[i] >= 0 && ids[i] < size) known.push_back(ids[i]);
        std::string result;
        if (!processor->processor.Decode(known, &result).ok()) return -1;
        std::memcpy(text, result.data(), std::min(room, result.size()));
        return static_cast<int64_t>(result.size());
    } catch (const std::exception &) {
        return -1;
    }
}

bool csp_train(const char *arguments, char *message, size_t room) {
    try {
        auto status = sentencepiece::SentencePieceTrainer::Train(arguments);
        if (status.ok()) return true;
        write_message(status.ToString(), message, room);
    } catch (const std::exception &error) {
        write_message(error.what(), message, room);
    }
    return false;
}
