namespace CcExport.Simulator.Entra;

/// <summary>Asks the simulated tenant whether a call carries a token of it that is for the service asked.</summary>
public sealed class TokenCheck(EntraAuthority authority)
{
    /// <summary>Why a call is refused; null when it is not.</summary>
    /// <param name="authorization">The call's header.</param>
    /// <param name="audience">The resource that the token must be for: <c>https://org.crm.dynamics.com</c>.</param>
    public string? Refuse(string? authorization, string audience)
        => authorization is not null && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            ? authority.Refuse(authorization["Bearer ".Length..].Trim(), audience)
            : "The call carries no bearer token.";
}
