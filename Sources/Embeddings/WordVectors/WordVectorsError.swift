public import Checkpoints
public import SystemPackage

/// Why word vectors cannot be read, used or written.
public enum WordVectorsError: Error, Equatable, Sendable, CustomStringConvertible {
    case file(CheckpointError)
    /// A file of another kind; `advice` says what to do with it.
    case otherKind(FilePath, found: String, advice: String)
    /// Something else where a classifier is asked for.
    case noClassifier(FilePath, found: String)
    /// None of the words of the texts to learn from has a vector.
    case noCommonWords(FilePath, texts: FilePath)
    /// A label that fastText's format cannot hold.
    case unwritableLabel(label: String)
    /// A row with another number of values than the header or the first row says.
    case raggedRow(FilePath, line: Int, found: Int, expected: Int)
    case notANumber(FilePath, line: Int, text: String)
    /// A vector that is infinite or not a number.
    case notFinite(FilePath, word: String)
    /// Another number of rows than the header says.
    case rowCount(FilePath, found: Int, expected: Int)
    /// A binary file that ends within a word.
    case truncated(FilePath, words: Int, expected: Int)
    /// A header that cannot be true.
    case header(FilePath, String)
    /// The table of a spaCy pipeline.
    case spaCyTable(FilePath, NPYFault)
    /// The `key2row` of a spaCy pipeline.
    case spaCyKeys(FilePath, SpaCyKeysFault)
    case unsupportedVersion(FilePath, found: Int, supported: String)
    /// A file of ours that changed since it was written.
    case checksum(FilePath)
    case noWords(FilePath)
    case tooManyWords(FilePath)
    case unknownWord(FilePath, word: String)
    /// A word that the format asked for cannot hold.
    case unwritableWord(FilePath, word: String)
    /// A word with a zero byte, which ends a word in fastText's format.
    case zeroByte(FilePath, word: String)
    /// Something that other models have.
    case lacks(FilePath, String)

    public var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .otherKind(let file, let found, let advice):
            "\(file): \(found), expected word vectors (GloVe's or word2vec's text, word2vec's binary, fastText's .bin or "
                + ".ftz, a spaCy pipeline's folder, or Graft's own). \(advice)"
        case .noClassifier(let file, let found):
            "\(file): \(found), expected a classifier: fastText's .bin or .ftz with labels, or a directory that graft "
                + "finetune has written."
        case .noCommonWords(let file, let texts):
            "\(file): has no vector for any word of \(texts). Are both of one language, and written alike?"
        case .unwritableLabel(let label):
            "the label \"\(label.prefix(40))\" has a zero byte in it or is longer than 1,000 bytes. Give it another name."
        case .raggedRow(let file, let line, let found, let expected):
            "\(file):\(line): \(found.counted("number")) behind the word; expected \(expected), as the first line "
                + "says. Is the file damaged?"
        case .notANumber(let file, let line, let text):
            "\(file):\(line): \"\(text.prefix(40))\" is not a number. Correct the line or leave it out."
        case .notFinite(let file, let word):
            "\(file): the vector of \"\(word)\" holds a value that is infinite or not a number. Leave the word out."
        case .rowCount(let file, let found, let expected):
            "\(file): \(found.counted("word")); its header promises \(expected). Is the file complete?"
        case .truncated(let file, let words, let expected):
            "\(file): ends after \(words.counted("whole word")); its header promises \(expected). Is the file complete?"
        case .header(let file, let reason): "\(file): \(reason). Is the file damaged?"
        case .spaCyTable(let file, .elementType(let type)):
            "\(file): its values are \(type); expected <f4 (float32), as spaCy writes a table of words."
        case .spaCyTable(let file, let fault): "\(file): \(fault). Copy the pipeline again, or take one with vectors."
        case .spaCyKeys(let file, let fault): "\(file): \(fault). Copy the pipeline again."
        case .unsupportedVersion(let file, let found, let supported):
            "\(file): version \(found) of its format; supported: \(supported). Write it again with a newer program."
        case .checksum(let file):
            "\(file): its content is not what was written (SHA-256). Write it again with graft vectors convert."
        case .noWords(let file): "\(file): no words in it."
        case .tooManyWords(let file): "\(file): more than 4 GB of words, which is not supported."
        case .unknownWord(let file, let word): "\(file): has no vector for \"\(word)\"."
        case .unwritableWord(let file, let word):
            "\(file): the word \"\(word)\" has a blank, a line break or a zero byte in it, which this format cannot "
                + "hold. Use --to graft."
        case .zeroByte(let file, let word):
            "\(file): the word \"\(word.prefix(40))\" has a zero byte in it, where fastText's format, which a "
                + "classifier is written in, ends a word. Leave its line out."
        case .lacks(let file, let what): "\(file): \(what)."
        }
    }
}

/// Runs checkpoint code where a `WordVectorsError` may be thrown.
func readingVectors<Result>(_ body: () throws(CheckpointError) -> Result) throws(WordVectorsError) -> Result {
    do { return try body() } catch { throw .file(error) }
}
