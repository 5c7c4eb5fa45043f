#Requires -Version 7.4
# Runs one file of Pester tests against the staged module, in this process, and writes the counts as JSON.
param(
    [Parameter(Mandatory)] [string] $Path,
    [Parameter(Mandatory)] [string] $Result,
    [string] $Filter
)
$ErrorActionPreference = 'Stop'
$root = Split-Path $PSScriptRoot
Import-Module (Join-Path $root '.tools/pester/6.2.0/tools/Pester.psd1')

# Nothing a test does may touch the user's own store.
$home1 = Join-Path ([IO.Path]::GetTempPath()) "ccexport-test-$PID"
$env:CCEXPORT_HOME = $home1
$env:CCEXPORT_STORE = $null
try {
    $configuration = New-PesterConfiguration
    $configuration.Run.Path = $Path
    $configuration.Run.PassThru = $true
    $configuration.Output.Verbosity = 'Normal'
    if ($Filter) { $configuration.Filter.FullName = "*$Filter*" }
    $run = Invoke-Pester -Configuration $configuration
    $failed = $run.FailedCount + $run.FailedBlocksCount + $run.FailedContainersCount
    @{ Passed = $run.PassedCount; Failed = $failed } | ConvertTo-Json | Set-Content $Result
}
finally {
    if (Test-Path $home1) { Remove-Item $home1 -Recurse -Force -ErrorAction Ignore }
}
exit [int]($failed -gt 0)
