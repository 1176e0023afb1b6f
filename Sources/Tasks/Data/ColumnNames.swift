/// The names that columns of labelled data usually have.
enum ColumnNames {
    /// In the order in which they are preferred. GLUE's tables say `sentence`, JSON files `text`.
    static let text = ["text", "sentence"]
    /// Only one of these may be there.
    static let likelyText = [
        "content", "review", "tweet", "comment", "document", "message", "utterance", "question", "query", "body",
        "headline", "title", "description", "abstract", "sms", "post",
    ]

    /// Both texts of a pair, as GLUE, SNLI, STS and sentence-transformers name them.
    static let pairs = [
        ("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"), ("question", "sentence"),
        ("text_a", "text_b"), ("text1", "text2"), ("text", "text_pair"), ("sentence_a", "sentence_b"),
        ("sentence_1", "sentence_2"), ("#1 string", "#2 string"), ("query", "passage"),
    ]

    /// Names of labels come before their numbers.
    static let label = ["label_text", "label_name", "label", "labels", "gold_label", "score"]
    static let likelyLabel = [
        "class", "category", "sentiment", "target", "intent", "emotion", "polarity", "topic", "stars", "rating",
        "quality", "is_duplicate", "similarity", "relatedness_score", "similarity_score",
    ]

    /// Whether a first line with this field is one of names.
    static func isKnown(_ name: String) -> Bool {
        let name = folded(name)
        return text.contains(name) || likelyText.contains(name) || label.contains(name) || likelyLabel.contains(name)
            || pairs.contains { $0.0 == name || $0.1 == name }
    }

    static func folded(_ name: String) -> String {
        let words = name.lowercased().split(separator: " ").joined(separator: " ")
        return words.hasPrefix("\u{FEFF}") ? String(words.dropFirst()) : words
    }
}
