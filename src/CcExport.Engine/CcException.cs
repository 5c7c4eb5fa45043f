namespace CcExport.Engine;

/// <summary>What kind of failure a <see cref="CcException"/> reports. The module maps each kind to one error category.</summary>
public enum CcErrorKind
{
    /// <summary>The caller gave something that cannot be used: a map, a name, an address, a parameter.</summary>
    InvalidArgument,
    /// <summary>The input data cannot be read to its end.</summary>
    InvalidData,
    /// <summary>A named thing does not exist.</summary>
    NotFound,
    /// <summary>A named thing exists already, or is in use.</summary>
    Conflict,
    /// <summary>Signing in failed, or a connection has to sign in again.</summary>
    Authentication,
    /// <summary>Signed in, but not allowed.</summary>
    Permission,
    /// <summary>A limit of the service, of the contract or of the budget stands in the way.</summary>
    Limit,
    /// <summary>The service could not be reached, or did not answer in time.</summary>
    Connection,
    /// <summary>The service refused a request for another reason, or answered what nobody can read.</summary>
    Service,
    /// <summary>The store, the spool or the key ring cannot be read or written.</summary>
    Storage,
}

/// <summary>
/// A failure that a person can act on. Its message and remedy never hold an address, a token, a secret or a stack trace;
/// <see cref="ErrorId"/> is stable and part of the public contract.
/// </summary>
public sealed class CcException(string errorId, CcErrorKind kind, string message, string? remedy = null, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>The stable id, in PascalCase: <c>ListNotFound</c>, <c>InputNotUtf8</c>.</summary>
    public string ErrorId { get; } = errorId;

    /// <summary>What kind of failure it is.</summary>
    public CcErrorKind Kind { get; } = kind;

    /// <summary>What to do next, as one or two sentences; null where nothing sensible can be advised.</summary>
    public string? Remedy { get; } = remedy;

    /// <summary>What the failure is about: a connection's, a list's, an export's or a file's name.</summary>
    public string? Subject { get; init; }
}
