"""A gateway as grpcio sees it: reflection, answers, deadlines, refusals with their details.

Nothing is generated: messages are built from what the server says of itself. Reads GATEWAY (host:port), TOKEN and
ANCHOR from the environment.
"""

import os
import signal
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

SERVICE = "tandem.v1.RelatedProducts"
TOKEN = [("authorization", "Bearer " + os.environ["TOKEN"])]
ANCHOR = os.environ["ANCHOR"]
PATIENCE_S = 25


def expect(condition, what):
    if not condition:
        sys.exit(f"python: {what}")


class WithToken(grpc.StreamStreamClientInterceptor):
    """Sends the token with streams, which the reflection client has no argument for."""

    def intercept_stream_stream(self, continuation, details, requests):
        return continuation(details._replace(metadata=TOKEN), requests)


def refusal(call, *arguments, **options):
    """The error of a call that must fail, and its google.rpc details by type."""
    try:
        call(*arguments, **options)
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        details = {}
        for packed in status.details if status else []:
            for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.ResourceInfo):
                if packed.Is(kind.DESCRIPTOR):
                    details[kind] = kind.FromString(packed.value)
        return error, details
    sys.exit(f"python: {call} answers where it must refuse")


def main():
    # Ends the process, whatever it waits for.
    signal.alarm(PATIENCE_S)
    channel = grpc.insecure_channel(os.environ["GATEWAY"])
    error, _ = refusal(lambda: list(ProtoReflectionDescriptorDatabase(channel).get_services()))
    expect(error.code() == grpc.StatusCode.UNAUTHENTICATED, f"reflection without a token: {error.code()}")
    database = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, WithToken()))
    services = list(database.get_services())
    expect(SERVICE in services, f"reflection lists {services}")
    pool = DescriptorPool(database)
    service = pool.FindServiceByName(SERVICE)

    def method(name):
        described = service.FindMethodByName(name)
        request, response = GetMessageClass(described.input_type), GetMessageClass(described.output_type)
        call = channel.unary_unary(
            f"/{SERVICE}/{name}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        return call, request

    listed, request = method("ListRelatedProducts")
    answer = listed(request(product_id=ANCHOR), metadata=TOKEN, timeout=20)
    expect(answer.items and answer.items[0].product_id, "the list is empty")
    batch, many = method("BatchListRelatedProducts")
    answer = batch(many(product_ids=[ANCHOR, "nobody"]), metadata=TOKEN, timeout=20)
    expect(list(answer.missing_product_ids) == ["nobody"], f"a batch says {answer.missing_product_ids}")

    error, details = refusal(listed, request(product_id=ANCHOR), timeout=20)
    info = details[error_details_pb2.ErrorInfo]
    expect(error.code() == grpc.StatusCode.UNAUTHENTICATED, f"without a token: {error.code()}")
    expect((info.domain, info.reason) == ("tandem", "TOKEN_MISSING"), f"without a token: {info}")

    error, details = refusal(listed, request(product_id="nobody"), metadata=TOKEN, timeout=20)
    expect(error.code() == grpc.StatusCode.NOT_FOUND, f"an unknown product: {error.code()}")
    named = details[error_details_pb2.ResourceInfo].resource_name
    expect("nobody" in named, f"an unknown product: {details}")

    error, details = refusal(listed, request(product_id="", page_size=-1), metadata=TOKEN, timeout=20)
    fields = {violation.field for violation in details[error_details_pb2.BadRequest].field_violations}
    expect(fields == {"product_id", "page_size"}, f"two wrong fields: {fields}")

    error, _ = refusal(listed, request(product_id=ANCHOR), metadata=TOKEN, timeout=0)
    expect(error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, f"no time at all: {error.code()}")
    print("python: reflection, answers, deadlines and error details are right")


main()
