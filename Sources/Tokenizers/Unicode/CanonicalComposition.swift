extension String {
    /// Unicode's normalization form C. Source: Unicode Standard Annex #15.
    package var canonicallyComposed: String {
        var text = AlignedText(bytes: Array(utf8))
        text.normalize(.canonicalComposition)
        return String(decoding: text.bytes, as: UTF8.self)
    }
}
