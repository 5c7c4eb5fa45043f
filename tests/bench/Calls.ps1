<#
.SYNOPSIS
    What a million profiles cost in calls and processor time in each mode: the first run to an empty list, and a later one in which one
    profile in a hundred has changed, one in a thousand has gone, and as many have left the list in the product. A run between the two
    teaches how long the service takes to write the list down.
.PARAMETER Profiles
    How many.
.PARAMETER Mode
    Only these modes.
#>
[CmdletBinding()]
param(
    [ValidateRange(1000, 10000000)] [int] $Profiles = 1000000,
    [ValidateSet('Upsert', 'Changed', 'Mirror')] [string[]] $Mode = @('Upsert', 'Changed', 'Mirror')
)
$ErrorActionPreference = 'Stop'
$root = Split-Path (Split-Path $PSScriptRoot)
$module = Join-Path $root 'out/CcExport/CcExport.psd1'
$work = Join-Path ([IO.Path]::GetTempPath()) "ccexport-calls-$([guid]::NewGuid().ToString('n'))"
$null = New-Item $work -ItemType Directory
$one = Join-Path $PSScriptRoot 'CallsRun.ps1'

# Nobody is without an address and nobody twice: then the least number of calls can be computed.
function Write-Customers([string] $Path, [scriptblock] $Change) {
    $writer = [IO.StreamWriter]::new($Path)
    $writer.WriteLine('CustomerId,FirstName,LastName,EMail')
    for ($i = 0; $i -lt $Profiles; $i++) {
        if ($Change -and $i % 1000 -eq 7) { continue }
        $writer.WriteLine("K$i,First$($i % 4000)$(if ($Change -and $i % 100 -eq 3) { 'New' }),Last$($i % 977),person$i@example.com")
    }
    $writer.Dispose()
}

try {
    $first, $later = (Join-Path $work 'first.csv'), (Join-Path $work 'later.csv')
    Write-Customers $first
    Write-Customers $later { $true }
    Import-Module $module
    foreach ($name in $Mode) {
        # The simulated account is the same each time: with a home for all modes the second would take everybody for somebody who left.
        $env:CCEXPORT_HOME = Join-Path $work "home-$name"
        $simulator = Start-CcSimulator
        try {
            $null = $simulator | New-CcConnection -Name $name -AcceptDataPrivacy
            foreach ($file in $first, $first, $later) {
                if ($file -eq $later) {
                    # They leave in the product: what a run must find before it sends.
                    $gone = @(for ($i = 11; $i -lt $Profiles; $i += 1000) { "person$i@example.com" })
                    foreach ($email in $gone) {
                        $body = @{ email = $email; listId = $simulator.ListId } | ConvertTo-Json
                        $null = Invoke-RestMethod "$($simulator.Url)admin/contacts/leave" -Method Post -Body $body -ContentType application/json
                    }
                }
                $before = Invoke-RestMethod "$($simulator.Url)admin/stats"
                $line = dotnet pwsh -NoProfile -File $one $module $name $simulator.ListId $file | Select-Object -Last 1
                $after = Invoke-RestMethod "$($simulator.Url)admin/stats"
                $result = $line | ConvertFrom-Json
                $result | Add-Member Arrived ($after.calls.total - $before.calls.total)
                $result | Add-Member Members ((Get-CcList -Connection $name | Where-Object ListId -eq $simulator.ListId).MembershipCount)
                $result
            }
        }
        finally { $simulator | Stop-CcSimulator }
    }
}
finally { Remove-Item $work -Recurse -Force -ErrorAction Ignore }
