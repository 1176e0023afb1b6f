import JSON

/// The files of freshly trained tokenizers.
enum TokenizerTemplates {
    /// `{"token": id, ...}` in the order of ids.
    static func vocabulary(_ tokens: [[UInt8]]) -> [UInt8] {
        var writer = JSONWriter()
        write(tokens, to: &writer)
        return writer.bytes
    }

    static func configuration(_ members: JSONObject) -> [UInt8] { JSON.object(members).serialized(pretty: true) }

    private static func write(_ tokens: [[UInt8]], to writer: inout JSONWriter) {
        writer.beginObject()
        for (id, token) in tokens.enumerated() {
            writer.key(String(decoding: token, as: UTF8.self))
            writer.integer(id)
        }
        writer.endObject()
    }

    private static func added(_ special: [String], lstrip: String? = nil) -> JSON {
        .array(
            special.enumerated().map { id, token in
                .object([
                    "id": .integer(id), "content": .string(token), "single_word": .bool(false),
                    "lstrip": .bool(token == lstrip), "rstrip": .bool(false), "normalized": .bool(false),
                    "special": .bool(true),
                ])
            })
    }

    private static func tokenizer(
        _ parts: JSONObject, _ model: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("version")
        writer.string("1.0")
        for part in parts.members {
            writer.key(part.key)
            writer.write(part.value)
        }
        writer.key("model")
        writer.beginObject()
        model(&writer)
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    static func wordPiece(_ tokens: [[UInt8]], special: [String], lowercase: Bool) -> [UInt8] {
        let cls = JSON.object(["SpecialToken": .object(["id": .string("[CLS]"), "type_id": .integer(0)])])
        func sep(_ type: Int) -> JSON {
            .object(["SpecialToken": .object(["id": .string("[SEP]"), "type_id": .integer(type)])])
        }
        func text(_ name: String, _ type: Int) -> JSON {
            .object(["Sequence": .object(["id": .string(name), "type_id": .integer(type)])])
        }
        func entry(_ token: String) -> JSON {
            .object([
                "id": .string(token), "ids": .array([.integer(special.firstIndex(of: token) ?? 0)]),
                "tokens": .array([.string(token)]),
            ])
        }
        return tokenizer([
            "truncation": .null, "padding": .null, "added_tokens": added(special),
            "normalizer": .object([
                "type": .string("BertNormalizer"), "clean_text": .bool(true), "handle_chinese_chars": .bool(true),
                "strip_accents": .null, "lowercase": .bool(lowercase),
            ]),
            "pre_tokenizer": .object(["type": .string("BertPreTokenizer")]),
            "post_processor": .object([
                "type": .string("TemplateProcessing"), "single": .array([cls, text("A", 0), sep(0)]),
                "pair": .array([cls, text("A", 0), sep(0), text("B", 1), sep(1)]),
                "special_tokens": .object(["[CLS]": entry("[CLS]"), "[SEP]": entry("[SEP]")]),
            ]),
            "decoder": .object(["type": .string("WordPiece"), "prefix": .string("##"), "cleanup": .bool(true)]),
        ]) { writer in
            writer.key("type")
            writer.string("WordPiece")
            writer.key("unk_token")
            writer.string("[UNK]")
            writer.key("continuing_subword_prefix")
            writer.string("##")
            writer.key("max_input_chars_per_word")
            writer.integer(100)
            writer.key("vocab")
            write(tokens, to: &writer)
        }
    }

    static func byteLevel(
        _ tokens: [[UInt8]], merges: [([UInt8], [UInt8])], special: [String], lowercase: Bool
    ) -> [UInt8] {
        func entry(_ token: String) -> JSON {
            .array([.string(token), .integer(special.firstIndex(of: token) ?? 0)])
        }
        let byteLevel = JSON.object([
            "type": .string("ByteLevel"), "add_prefix_space": .bool(true), "trim_offsets": .bool(true),
            "use_regex": .bool(true),
        ])
        return tokenizer([
            "truncation": .null, "padding": .null, "added_tokens": added(special, lstrip: "<mask>"),
            "normalizer": lowercase ? .object(["type": .string("Lowercase")]) : .null, "pre_tokenizer": byteLevel,
            "post_processor": .object([
                "type": .string("RobertaProcessing"), "sep": entry("</s>"), "cls": entry("<s>"),
                "trim_offsets": .bool(true), "add_prefix_space": .bool(true),
            ]),
            "decoder": byteLevel,
        ]) { writer in
            writer.key("type")
            writer.string("BPE")
            for key in ["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"] {
                writer.key(key)
                writer.null()
            }
            for key in ["fuse_unk", "byte_fallback", "ignore_merges"] {
                writer.key(key)
                writer.bool(false)
            }
            writer.key("vocab")
            write(tokens, to: &writer)
            writer.key("merges")
            writer.beginArray()
            for (left, right) in merges {
                writer.beginArray()
                writer.string(String(decoding: left, as: UTF8.self))
                writer.string(String(decoding: right, as: UTF8.self))
                writer.endArray()
            }
            writer.endArray()
        }
    }
}
