import Tensors
import Tokenizers

/// What makes one vector of a text, before the further modules: a transformer with its pooling, or a table of vectors.
protocol TextEncoder {
    var tokenizer: Tokenizer { get }
    /// The length of a vector.
    var size: Int { get }
    /// The longest text that it can take, in tokens; `nil` where there is no end.
    var tokenLimit: Int? { get }
    /// After how many tokens the model asks for texts to be cut.
    var maxLength: Int? { get }
    /// The operations of the matrix products with weights for one token.
    var operationsPerToken: Int { get }

    /// The ids of a text, cut after `maxLength` of them.
    func ids(_ text: String, maxLength: Int?) -> [Int32]

    /// - Parameter prompt: with which all the texts began, and with it the length after which it would be cut alone.
    /// - Returns: `[ids.count, size]`
    func embed(_ ids: [[Int32]], prompt: String, maxLength: Int?) -> Tensor
}
