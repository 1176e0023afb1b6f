/// The keys that spaCy gives to words.
enum SpaCyStrings {
    /// The key of a word: MurmurHash64A with the seed 1; 0 for no text.
    ///
    /// Source: Appleby 2008, "MurmurHash2", and spaCy's `hash_string`.
    static func key(_ word: UnsafeRawBufferPointer) -> UInt64 {
        if unsafe word.isEmpty { return 0 }
        let factor: UInt64 = 0xC6A4_A793_5BD1_E995
        var hash: UInt64 = 1 ^ UInt64(word.count) &* factor
        let whole = word.count / 8 * 8
        for start in stride(from: 0, to: whole, by: 8) {
            var part = UInt64(littleEndian: unsafe word.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            part = part &* factor
            part ^= part >> 47
            hash = (hash ^ part &* factor) &* factor
        }
        if whole < word.count {
            var rest: UInt64 = 0
            for i in (whole..<word.count).reversed() { rest = rest << 8 | UInt64(unsafe word[i]) }
            hash = (hash ^ rest) &* factor
        }
        hash = (hash ^ hash >> 47) &* factor
        return hash ^ hash >> 47
    }

    /// Words that are names of spaCy's own have a small number as their key, and are not among a pipeline's strings.
    ///
    /// Source: spaCy 3.8, `spacy.symbols`: those that can be a word of a text.
    static let symbols =
        run(
            from: 64,
            """
            ID ORTH LOWER NORM SHAPE PREFIX SUFFIX LENGTH CLUSTER LEMMA POS TAG DEP ENT_IOB ENT_TYPE HEAD SENT_START SPACY \
            PROB LANG ADJ ADP ADV AUX CONJ CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X EOL SPACE
            """)
        + run(
            from: 380,
            """
            PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT WORK_OF_ART LANGUAGE LAW DATE TIME PERCENT MONEY QUANTITY \
            ORDINAL CARDINAL acomp advcl advmod agent amod appos attr aux auxpass cc ccomp complm conj cop csubj csubjpass \
            dep det dobj expl hmod hyph infmod intj iobj mark meta neg nmod nn npadvmod nsubj nsubjpass num number oprd obj \
            obl parataxis partmod pcomp pobj poss possessive preconj prep prt punct quantmod relcl rcmod root xcomp acl \
            ENT_KB_ID MORPH ENT_ID IDX _
            """)

    private static func run(from first: UInt64, _ words: String) -> [(key: UInt64, word: String)] {
        words.split(separator: " ").enumerated().map { (first + UInt64($0.offset), String($0.element)) }
    }
}
