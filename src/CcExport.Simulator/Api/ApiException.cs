namespace CcExport.Simulator.Api;

/// <summary>Ends a call with an error body.</summary>
internal sealed class ApiException(int status, string key, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Key { get; } = key;

    /// <summary>Gateway errors are single objects, whatever the services behind it do.</summary>
    public BodyForm? Form { get; init; }

    public static ApiException Validation(string message) => new(400, "contacts.api.validation.error", message);

    public static ApiException NotFound(string message) => new(404, "contacts.api.not_found", message);

    public static ApiException Conflict(string message) => new(409, "contacts.api.conflict", message);

    public static ApiException Forbidden() =>
        new(403, "access_denied", "Request forbidden due to insufficient user privileges.");
}
