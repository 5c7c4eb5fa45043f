using System.Management.Automation;
using CcExport.Engine;

namespace CcExport;

/// <summary>Makes every error record of the module: a stable id, a true category, what to do next, and what it is about.</summary>
internal static class Errors
{
    /// <summary>Whether an exception is one of those that <see cref="From"/> turns into a record.</summary>
    public static bool IsOurs(Exception exception) => exception is CcException or UnexpectedException;

    /// <summary>The record of an engine's failure.</summary>
    /// <param name="target">What it is about, where the failure does not say so itself.</param>
    public static ErrorRecord From(Exception exception, object? target = null) => exception is CcException known
        ? Record(known, known.ErrorId, Category(known), known.Subject ?? target, known.Remedy)
        : Record(exception, "Unexpected", ErrorCategory.InvalidOperation, target,
            "This is a fault of CcExport. Please report it with the module's version and the output of Get-Error; remove names and addresses first.");

    /// <summary>The same about one of several things that were asked for, whatever the failure itself is about.</summary>
    public static ErrorRecord About(Exception exception, object target)
    {
        ErrorRecord record = From(exception);
        return new ErrorRecord(record.Exception, ((exception as CcException)?.ErrorId) ?? "Unexpected", record.CategoryInfo.Category, target) { ErrorDetails = record.ErrorDetails };
    }

    public static ErrorRecord NotFound(string noun, string id, string name, string lister)
        => New(id, ErrorCategory.ObjectNotFound, $"There is no {noun} '{name}'.", $"{lister} shows those that exist.", name);

    public static ErrorRecord RunNotFound(long id)
        => New("RunNotFound", ErrorCategory.ObjectNotFound, $"There is no run {id}.", "Get-CcRun shows those that exist.", id);

    public static ErrorRecord RunInterrupted(long id, string? message, object run)
        => New("RunInterrupted", ErrorCategory.OperationStopped, $"Run {id} is not at its end: {message ?? "it was stopped."}",
            $"Put right what the message names, then 'Resume-CcRun -Id {id}' goes on where it stopped; so does invoking the export again.", run);

    public static ErrorRecord RunFailed(long id, string? message, object run)
        => New("RunFailed", ErrorCategory.OperationStopped, $"Run {id} failed: {message ?? "no reason was given."}",
            $"Put right what the message names, then invoke the export again. 'Get-CcRun -Id {id} | Format-List' shows how far it went.", run);

    public static CcException ConsentRequired(Exception? cause) => new("ConsentRequired", CcErrorKind.Permission,
        "A connection needs your agreement to the data privacy statement, and this session cannot ask for it.",
        "Read the statement, then add -AcceptDataPrivacy." + Environment.NewLine + Environment.NewLine + CcEngine.ConsentStatement, cause);

    public static ErrorRecord New(string id, ErrorCategory category, string message, string? remedy, object? target)
        => Record(new InvalidOperationException(message), id, category, target, remedy);

    private static ErrorRecord Record(Exception exception, string id, ErrorCategory category, object? target, string? remedy)
        => new(exception, id, category, target) { ErrorDetails = new ErrorDetails(exception.Message) { RecommendedAction = remedy ?? "" } };

    private static ErrorCategory Category(CcException failure) => failure.Kind switch
    {
        CcErrorKind.InvalidArgument => ErrorCategory.InvalidArgument,
        CcErrorKind.InvalidData => ErrorCategory.InvalidData,
        CcErrorKind.NotFound => ErrorCategory.ObjectNotFound,
        CcErrorKind.Conflict => failure.ErrorId == "NameTaken" ? ErrorCategory.ResourceExists : ErrorCategory.ResourceBusy,
        CcErrorKind.Authentication => ErrorCategory.AuthenticationError,
        CcErrorKind.Permission => ErrorCategory.PermissionDenied,
        CcErrorKind.Limit => ErrorCategory.LimitsExceeded,
        CcErrorKind.Connection => ErrorCategory.ConnectionError,
        CcErrorKind.Service => ErrorCategory.ProtocolError,
        CcErrorKind.Storage => ErrorCategory.ResourceUnavailable,
        _ => ErrorCategory.InvalidOperation,
    };
}

/// <summary>
/// A failure that nobody foresaw. Its message names the kind only: another library's text may hold an address or a secret,
/// and stays in the inner exception. What the file system says is harmless and useful, and is kept.
/// </summary>
internal sealed class UnexpectedException(Exception inner) : Exception(Describe(inner), inner)
{
    private static string Describe(Exception inner) => inner is IOException or UnauthorizedAccessException
        ? $"Something unexpected happened: {inner.Message}"
        : $"Something unexpected happened ({inner.GetType().Name}).";
}
